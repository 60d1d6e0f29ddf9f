/** What the desktop remembers of itself, in the browser; where nothing can be stored, as long as the tab lives. */

const kItem = 'visor-desktop';
const kSaveAfterMs = 250;

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What was stored may be anybody's: a member of another kind than expected is as if it was not there. */
function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(kItem));
    return isObject(stored) ? stored : {};
  } catch {
    return {};
  }
}

class Settings {
  #values = read();
  #timer = 0;

  /** @returns {any} the value, if it is of the kind of `otherwise`; else that */
  get(name, otherwise) {
    const value = this.#values[name];
    const fits = Array.isArray(otherwise) ? Array.isArray(value) : isObject(otherwise) ? isObject(value) : typeof value === typeof otherwise;
    return fits ? value : otherwise;
  }

  set(name, value) {
    this.#values[name] = value;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), kSaveAfterMs);
  }

  save() {
    clearTimeout(this.#timer);
    try {
      localStorage.setItem(kItem, JSON.stringify(this.#values));
    } catch { /* refused or full: the next visit starts anew */ }
  }
}

export const settings = new Settings();
addEventListener('pagehide', () => settings.save());
