// The colour ramp of scores: lightness rises evenly, so it reads in grey and with any colour vision.

// lightness, chroma and hue (degrees) in the OKLCH space at even steps, from the lowest score up
const RAMP = [
  [0.14, 0.03, 285],
  [0.32, 0.13, 300],
  [0.48, 0.18, 345],
  [0.62, 0.19, 28],
  [0.77, 0.16, 62],
  [0.96, 0.1, 102],
];
const STEPS = 256;

// -> 3 x 256 bytes: red, green, blue
function ramp() {
  const table = new Uint8ClampedArray(3 * STEPS);
  for (let i = 0; i < STEPS; i += 1) {
    const place = (i / (STEPS - 1)) * (RAMP.length - 1);
    const k = Math.min(Math.floor(place), RAMP.length - 2);
    const [from, to] = [oklab(RAMP[k]), oklab(RAMP[k + 1])];
    table.set(rgb(from.map((value, c) => value + (to[c] - value) * (place - k))), 3 * i);
  }
  return table;
}

function oklab([lightness, chroma, hue]) {
  const angle = (hue * Math.PI) / 180;
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
}

// OKLab to sRGB bytes, by the matrices that define the space (B. Ottosson, 2020)
function rgb([l, a, b]) {
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const middle = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
  ].map((value) => 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055));
}
