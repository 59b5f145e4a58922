/**
 * The header fields of one call, which are a handful, in a list. The runtime's own `Headers` costs
 * several times as much to fill and to ask; everything that reads fields may be given either.
 *
 * The list is linked, because an array is made for 17 elements as soon as it gets its first one. It
 * may also be put into the old generation from its start on, which V8 decides for all arrays of one
 * place in the program from a moment in which most of them were in use, and all they hold follows.
 */

/** Names and values that may be written to a connection as they are (RFC 9110 section 5.5). */
const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** One field, and the one that was added after it. */
class Field {
  next: Field | undefined = undefined;

  constructor(readonly name: string, public value: string) {}
}

/** Names are lower case. Fields of one name are one field, their values joined by commas. */
export class HeaderFields implements Headers {
  #first: Field | undefined;
  #last: Field | undefined;

  /** @throws {TypeError} where name or value cannot stand in a message */
  append(name: string, value: string): void {
    const key = checkedName(name);
    const text = checkedValue(value);
    const known = this.get(key);
    this.put(key, known === null ? text : `${known}, ${text}`);
  }

  /** @throws {TypeError} where name or value cannot stand in a message */
  set(name: string, value: string): void {
    this.put(checkedName(name), checkedValue(value));
  }

  /** As `set`, for what was read from a message: a name in lower case, a value without blanks around it. */
  put(name: string, value: string): void {
    const known = this.#find(name);
    if (known !== undefined) {
      known.value = value;
      return;
    }
    const field = new Field(name, value);
    if (this.#last === undefined) this.#first = field;
    else this.#last.next = field;
    this.#last = field;
  }

  get(name: string): string | null {
    return this.#find(name.toLowerCase())?.value ?? null;
  }

  has(name: string): boolean {
    return this.#find(name.toLowerCase()) !== undefined;
  }

  delete(name: string): void {
    const key = name.toLowerCase();
    let before: Field | undefined;
    for (let field = this.#first; field !== undefined; field = field.next) {
      if (field.name === key) {
        if (before === undefined) this.#first = field.next;
        else before.next = field.next;
        if (this.#last === field) this.#last = before;
        return;
      }
      before = field;
    }
  }

  /** Calls have no cookies; what is set all the same is one. */
  getSetCookie(): string[] {
    const cookie = this.get("set-cookie");
    return cookie === null ? [] : [cookie];
  }

  forEach(
    callback: (value: string, name: string, parent: this) => void,
    thisArgument?: unknown,
  ): void {
    for (let field = this.#first; field !== undefined; field = field.next) {
      callback.call(thisArgument, field.value, field.name, this);
    }
  }

  keys(): ArrayIterator<string> {
    return Array.from(this, ([name]) => name).values();
  }

  values(): ArrayIterator<string> {
    return Array.from(this, ([, value]) => value).values();
  }

  *entries(): Generator<[string, string], undefined> {
    for (let field = this.#first; field !== undefined; field = field.next) {
      yield [field.name, field.value];
    }
  }

  [Symbol.iterator](): Generator<[string, string], undefined> {
    return this.entries();
  }

  #find(key: string): Field | undefined {
    let field = this.#first;
    while (field !== undefined && field.name !== key) field = field.next;
    return field;
  }
}

function checkedName(name: string): string {
  const key = name.toLowerCase();
  if (NAME.test(key)) return key;
  throw new TypeError(`no header field can be named ${JSON.stringify(name)}`);
}

function checkedValue(value: string): string {
  if (VALUE.test(value)) return value.trim();
  throw new TypeError("the value of a header field holds what ends its line, or no byte can say");
}
