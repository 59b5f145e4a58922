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
    new MessageOfFile(this, undefined, () => entryAt(this.#slices.all(MESSAGE), index))
  );
  readonly #enums = new Kept((index) =>
    new EnumOfFile(this, undefined, () => entryAt(this.#slices.all(ENUM), index))
  );
  readonly #services = new Kept((index) =>
    new ServiceOfFile(this, () => entryAt(this.#slices.all(SERVICE), index))
  );
  #read: ProtoSlices | undefined;
  #types: ReadonlyMap<string, MessageOfFile | EnumOfFile> | undefined;

  constructor(private readonly base64: string, readonly dependencies: readonly ProtoFile[]) {}

  get name(): string {
    return this.#slices.text(NAME).replace(/\.proto$/, "");
  }

  get package(): string {
    return this.#slices.text(PACKAGE);
  }

  get messages(): readonly MessageOfFile[] {
    return this.#messages.list(this.#slices.all(MESSAGE).length);
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

  #own(typeName: string): MessageOfFile | EnumOfFile | undefined {
    const scope = this.package;
    if (scope !== "" && !typeName.startsWith(`${scope}.`)) return undefined;
    return (this.#types ??= typesOf(this)).get(typeName);
  }
}

function readFile(base64: string): ProtoSlices {
  const slices = new ProtoSlices(bytesOf(base64));
  if (slices.text(SYNTAX) === "proto3") return slices;
  throw new Error(`${slices.text(NAME)}: only proto3 is read here`);
}

function bytesOf(base64: string): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function typesOf(file: ProtoFile): ReadonlyMap<string, MessageOfFile | EnumOfFile> {
  const types = new Map<string, MessageOfFile | EnumOfFile>();
  for (const desc of file.enums) types.set(desc.typeName, desc);
  const left = [...file.messages];
  // Those inside are appended, so it ends with the innermost.
  for (const desc of left) {
    types.set(desc.typeName, desc);
    for (const inner of desc.nestedEnums) types.set(inner.typeName, inner);
    left.push(...desc.nestedMessages, ...desc.mapEntries);
  }
  return types;
}
