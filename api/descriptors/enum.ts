import type { ProtoFile } from "./file.ts";
import type { MessageOfFile } from "./message.ts";
import { qualified, safeName } from "./names.ts";
import { withoutProto } from "./proto.ts";
import type { ProtoSlices } from "./proto_slices.ts";

/** Field numbers of google.protobuf.EnumDescriptorProto and EnumValueDescriptorProto. */
const NAME = 1, VALUE = 2, OPTIONS = 3, VALUE_NUMBER = 2, VALUE_OPTIONS = 3;
/** `deprecated` of EnumOptions and of EnumValueOptions. */
const DEPRECATED = 3, VALUE_DEPRECATED = 1;

interface EnumValue {
  readonly kind: "enum_value";
  readonly name: string;
  readonly localName: string;
  readonly jsonName: string;
  readonly number: number;
  readonly parent: EnumOfFile;
  readonly deprecated: boolean;
  readonly proto: never;
  toString(): string;
}

/** An enum; its values are read when somebody asks for them. */
export class EnumOfFile {
  readonly kind = "enum";
  /** As every enum of proto3 is. */
  readonly open = true;
  #read: ProtoSlices | undefined;
  #values: readonly EnumValue[] | undefined;
  #value: Readonly<Record<number, EnumValue>> | undefined;

  constructor(
    readonly file: ProtoFile,
    readonly parent: MessageOfFile | undefined,
    private readonly slices: () => ProtoSlices,
  ) {}

  get name(): string {
    return this.#slices.text(NAME);
  }

  get typeName(): string {
    return qualified(this.parent?.typeName ?? this.file.package, this.name);
  }

  get deprecated(): boolean {
    return this.#slices.options(OPTIONS).isSet(DEPRECATED);
  }

  get values(): readonly EnumValue[] {
    return this.#values ??= this.#readValues();
  }

  /** By number; of two names for one number the first. */
  get value(): Readonly<Record<number, EnumValue>> {
    return this.#value ??= Object.fromEntries(
      this.values.toReversed().map((value) => [value.number, value]),
    );
  }

  /** What the values' names begin with besides: `MY_ENUM_` of `enum MyEnum`, in lower case. */
  get sharedPrefix(): string | undefined {
    return sharedPrefix(this.name, this.#slices.all(VALUE).map((value) => value.text(NAME)));
  }

  get proto(): never {
    return withoutProto(this);
  }

  toString(): string {
    return `enum ${this.typeName}`;
  }

  get #slices(): ProtoSlices {
    return this.#read ??= this.slices();
  }

  #readValues(): readonly EnumValue[] {
    const prefixLength = this.sharedPrefix?.length ?? 0;
    return this.#slices.all(VALUE).map((slices) => {
      const name = slices.text(NAME);
      return {
        kind: "enum_value",
        name,
        localName: safeName(name.slice(prefixLength)),
        jsonName: name,
        number: slices.number(VALUE_NUMBER) ?? 0,
        parent: this,
        deprecated: slices.options(VALUE_OPTIONS).isSet(VALUE_DEPRECATED),
        get proto() {
          return withoutProto(this);
        },
        toString: () => `enum value ${this.typeName}.${name}`,
      };
    });
  }
}

function sharedPrefix(enumName: string, names: readonly string[]): string | undefined {
  const snakeCase = enumName.slice(0, 1) + enumName.slice(1).replace(/[A-Z]/g, "_$&");
  const prefix = `${snakeCase}_`.toLowerCase();
  const isShared = names.every((name) =>
    name.toLowerCase().startsWith(prefix) && /^\D/.test(name.slice(prefix.length))
  );
  return isShared ? prefix : undefined;
}
