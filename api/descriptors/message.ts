import { EnumOfFile } from "./enum.ts";
import { type Field, type Oneof, readField } from "./field.ts";
import type { ProtoFile } from "./file.ts";
import { camelCase, qualified, safeName } from "./names.ts";
import { entryAt, Kept } from "./kept.ts";
import { withoutProto } from "./proto.ts";
import type { ProtoSlices } from "./proto_slices.ts";

/** Field numbers of google.protobuf.DescriptorProto. */
const NAME = 1, FIELD = 2, NESTED = 3, ENUM = 4, OPTIONS = 7, ONEOF = 8;
/** Those of its options. */
const DEPRECATED = 3, MAP_ENTRY = 7;

/** A message; it is read when somebody asks for what is in it. */
export class MessageOfFile {
  readonly kind = "message";
  readonly nestedExtensions: readonly never[] = [];
  readonly #nested = new Kept((index) =>
    new MessageOfFile(this.file, this, () => entryAt(this.#head.nested, index))
  );
  readonly #enums = new Kept((index) =>
    new EnumOfFile(this.file, this, () => entryAt(this.#head.slices.all(ENUM), index))
  );
  #readHead: Head | undefined;
  #read: Content | undefined;

  constructor(
    readonly file: ProtoFile,
    readonly parent: MessageOfFile | undefined,
    private readonly slices: () => ProtoSlices,
  ) {}

  get name(): string {
    return this.#head.slices.text(NAME);
  }

  get typeName(): string {
    return this.#head.typeName;
  }

  get deprecated(): boolean {
    return this.#head.slices.options(OPTIONS).isSet(DEPRECATED);
  }

  /** What a map is made of on the wire; nobody sees it as a message. */
  get isMapEntry(): boolean {
    return isMapEntry(this.#head.slices);
  }

  get nestedMessages(): readonly MessageOfFile[] {
    return this.#nested.list(this.#head.nested.length);
  }

  get mapEntries(): readonly MessageOfFile[] {
    return this.#head.mapEntries;
  }

  get nestedEnums(): readonly EnumOfFile[] {
    return this.#enums.list(this.#head.slices.all(ENUM).length);
  }

  /** A type that stands in this message, by its name there. */
  type(name: string): MessageOfFile | EnumOfFile | undefined {
    const isNamed = (desc: MessageOfFile | EnumOfFile) => desc.name === name;
    return this.nestedMessages.find(isNamed) ?? this.nestedEnums.find(isNamed) ??
      this.mapEntries.find(isNamed);
  }

  /** Not read yet, as the next. */
  message(index: number): MessageOfFile {
    return this.#nested.at(index);
  }

  enum(index: number): EnumOfFile {
    return this.#enums.at(index);
  }

  get fields(): readonly Field[] {
    return this.#content.fields;
  }

  /** By local name. */
  get field(): Readonly<Record<string, Field>> {
    return this.#content.field;
  }

  get oneofs(): readonly Oneof[] {
    return this.#content.oneofs;
  }

  /** Fields, and oneofs where the first of their fields stands. */
  get members(): readonly (Field | Oneof)[] {
    return this.#content.members;
  }

  get proto(): never {
    return withoutProto(this);
  }

  toString(): string {
    return `message ${this.typeName}`;
  }

  get #head(): Head {
    return this.#readHead ??= readHead(this.slices(), this);
  }

  get #content(): Content {
    return this.#read ??= readContent(this.#head.slices, this);
  }
}

interface Head {
  readonly slices: ProtoSlices;
  readonly typeName: string;
  readonly nested: readonly ProtoSlices[];
  readonly mapEntries: readonly MessageOfFile[];
}

function readHead(slices: ProtoSlices, message: MessageOfFile): Head {
  const { file, parent } = message;
  const all = slices.all(NESTED);
  return {
    slices,
    typeName: qualified(parent?.typeName ?? file.package, slices.text(NAME)),
    nested: all.filter((inner) => !isMapEntry(inner)),
    mapEntries: all.filter(isMapEntry).map((inner) =>
      new MessageOfFile(file, message, () => inner)
    ),
  };
}

function isMapEntry(slices: ProtoSlices): boolean {
  return slices.options(OPTIONS).isSet(MAP_ENTRY);
}

interface Content {
  readonly fields: readonly Field[];
  readonly field: Readonly<Record<string, Field>>;
  readonly oneofs: readonly Oneof[];
  readonly members: readonly (Field | Oneof)[];
}

function readContent(slices: ProtoSlices, message: MessageOfFile): Content {
  const oneofs = slices.all(ONEOF).map((oneof) => oneofOf(oneof.text(NAME), message));
  const fields = slices.all(FIELD).map((field) => readField(field, message, oneofs));
  for (const field of fields) field.oneof?.fields.push(field);
  return {
    fields,
    field: Object.fromEntries(fields.map((field) => [field.localName, field])),
    // One without fields stands for a field that is `optional`.
    oneofs: oneofs.filter((oneof) => oneof.fields.length > 0),
    members: [...new Set(fields.map((field) => field.oneof ?? field))],
  };
}

function oneofOf(name: string, parent: MessageOfFile): Oneof {
  return {
    kind: "oneof",
    name,
    localName: safeName(camelCase(name)),
    parent,
    fields: [],
    deprecated: false,
    get proto() {
      return withoutProto(this);
    },
    toString: () => `oneof ${parent.typeName}.${name}`,
  };
}
