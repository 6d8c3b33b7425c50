// Numbers as people read them, and arrays as Python packed them.

const ARRAYS = { u1: Uint8Array, u2: Uint16Array, i4: Int32Array, f4: Float32Array };
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

function unpacked(packed) {
  const text = atob(packed.data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return new ARRAYS[packed.type](bytes.buffer);
}

function unpackedBits(packed) {
  const bytes = unpacked(packed);
  const bits = new Uint8Array(packed.shape.reduce((product, length) => product * length, 1));
  for (let i = 0; i < bits.length; i += 1) bits[i] = (bytes[i >> 3] >> (i & 7)) & 1;
  return bits;
}

// JSON has neither NaN nor infinity: null and "inf" stand for them
function toNumber(value) {
  if (value === null) return NaN;
  return typeof value === "string" ? Number(value.replace("inf", "Infinity")) : value;
}

function integer(value) {
  return WHOLE.format(value);
}

// `digits` significant digits; powers of ten only where plain digits would be many
function figures(value, digits = 4) {
  if (value === null || Number.isNaN(value)) return "undefined";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) {
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    return `${signed(mantissa)}·10${raised(Number(power))}`;
  }
  if (size >= 10 ** digits) return signed(integer(value));
  return signed(String(Number(value.toPrecision(digits))));
}

function percent(share) {
  if (share === 0 || share === 1) return `${100 * share} %`;
  return `${figures(100 * share, 3)} %`;
}

// a share as P_D and P_F are told: never rounded to 0
function rate(share) {
  if (Number.isNaN(share)) return "undefined";
  if (share === 0 || share === 1) return String(share);
  if (share >= 0.01) return share.toFixed(3);
  const [mantissa, power] = share.toExponential(2).split("e");
  return `${mantissa}·10${raised(Number(power))}`;
}

function signed(text) {
  return text.replaceAll("-", "−");
}

function raised(power) {
  return String(power).replace(/./g, (digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]));
}
