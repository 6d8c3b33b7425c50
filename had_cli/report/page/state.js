// What the viewer has chosen: the threshold, the pixel, the place. Panels listen and redraw.

class State {
  constructor() {
    this.values = {};
    this.listeners = {};
  }

  on(name, listener) {
    (this.listeners[name] ??= []).push(listener);
    if (name in this.values) listener(this.values[name]);
  }

  set(name, value) {
    this.values[name] = value;
    for (const listener of this.listeners[name] ?? []) listener(value);
  }

  get(name) {
    return this.values[name];
  }
}
