import { EnumOfFile } from "./enum.ts";
import { MessageOfFile } from "./message.ts";
import { entryAt, Kept } from "./kept.ts";
import { withoutProto } from "./proto.ts";
import { ProtoSlices } from "./proto_slices.ts";
import { ServiceOfFile } from "./service.ts";

/** Field numbers of google.protobuf.FileDescriptorProto. */
const NAME = 1, PACKAGE = 2, MESSAGE = 4, ENUM = 5, SERVICE = 6, SYNTAX = 12;
/** `EDITION_PROTO3`. */
const PROTO3 = 999;

/** What a file of the schema holds; it is read when somebody asks for it. */
export class ProtoFile {
  readonly kind = "file";
  readonly edition = PROTO3;
  readonly deprecated = false;
  readonly extensions: readonly never[] = [];
  readonly #messages = new Kept((index) =>
    new MessageOfFile(this, undefined, () => entryAt(this.#allMessages, index))
  );
  readonly #enums = new Kept((index) =>
    new EnumOfFile(this, undefined, () => entryAt(this.#slices.all(ENUM), index))
  );
  readonly #services = new Kept((index) =>
    new ServiceOfFile(this, () => entryAt(this.#slices.all(SERVICE), index))
  );
  #read: ProtoSlices | undefined;
  #messageSlices: readonly ProtoSlices[] | undefined;
  #types: ReadonlyMap<string, MessageOfFile | EnumOfFile> | undefined;

  constructor(private readonly base64: string, readonly dependencies: readonly ProtoFile[]) {}

  get name(): string {
    return this.#slices.text(NAME).replace(/\.proto$/, "");
  }

  get package(): string {
    return this.#slices.text(PACKAGE);
  }

  get messages(): readonly MessageOfFile[] {
    return this.#messages.list(this.#allMessages.length);
  }

  get enums(): readonly EnumOfFile[] {
    return this.#enums.list(this.#slices.all(ENUM).length);
  }

  get services(): readonly ServiceOfFile[] {
    return this.#services.list(this.#slices.all(SERVICE).length);
  }

  get proto(): never {
    return withoutProto(this);
  }

  /** Not read yet, as the next two. */
  message(index: number): MessageOfFile {
    return this.#messages.at(index);
  }

  enum(index: number): EnumOfFile {
    return this.#enums.at(index);
  }

  service(index: number): ServiceOfFile {
    return this.#services.at(index);
  }

  /** A type that this file names, by its full name. */
  type(typeName: string): MessageOfFile | EnumOfFile {
    for (const file of [this, ...this.dependencies]) {
      const found = file.#own(typeName);
      if (found !== undefined) return found;
    }
    throw new Error(`${this} names ${typeName}, which neither it nor what it imports describes`);
  }

  toString(): string {
    return `file ${this.#slices.text(NAME)}`;
  }

  get #slices(): ProtoSlices {
    return this.#read ??= readFile(this.base64);
  }

  get #allMessages(): readonly ProtoSlices[] {
    return this.#messageSlices ??= this.#slices.all(MESSAGE);
  }

  #own(typeName: string): MessageOfFile | EnumOfFile | undefined {
    const scope = this.package;
    if (scope !== "" && !typeName.startsWith(`${scope}.`)) return undefined;
    const [first = "", ...rest] = typeName.slice(scope === "" ? 0 : scope.length + 1).split(".");
    let found: MessageOfFile | EnumOfFile | undefined = (this.#types ??= typesOf(this)).get(first);
    for (const name of rest) found = found?.kind === "message" ? found.type(name) : undefined;
    return found;
  }
}

function readFile(base64: string): ProtoSlices {
  const slices = new ProtoSlices(atob(base64));
  if (slices.text(SYNTAX) === "proto3") return slices;
  throw new Error(`${slices.text(NAME)}: only proto3 is read here`);
}

/** What stands in a file beside each other, by name. */
function typesOf(file: ProtoFile): ReadonlyMap<string, MessageOfFile | EnumOfFile> {
  return new Map([...file.messages, ...file.enums].map((desc) => [desc.name, desc]));
}
