import type { EnumOfFile } from "./enum.ts";
import type { MessageOfFile } from "./message.ts";
import { camelCase, safeName, typeNameOf } from "./names.ts";
import { withoutProto } from "./proto.ts";
import type { ProtoSlices } from "./proto_slices.ts";

/** Field numbers of google.protobuf.FieldDescriptorProto. */
const NAME = 1, NUMBER = 3, LABEL = 4, TYPE = 5, TYPE_NAME = 6, OPTIONS = 8, ONEOF_INDEX = 9;
const JSON_NAME = 10, PROTO3_OPTIONAL = 17;
/** Those of its options. */
const PACKED = 2, DEPRECATED = 3, JS_TYPE = 6;
/** Values of its enums. */
const REPEATED = 3, TYPE_GROUP = 10, TYPE_MESSAGE = 11, TYPE_ENUM = 14, JS_STRING = 1;
const TYPE_STRING = 9, TYPE_BYTES = 12;
/** Whether a field that is not there can be told from one that holds nothing. */
const EXPLICIT = 1, IMPLICIT = 2;

/** A field, as the runtime of the protobuf package wants it; see DescField there. */
export interface Field {
  readonly kind: "field";
  readonly name: string;
  readonly number: number;
  readonly localName: string;
  readonly jsonName: string;
  readonly parent: MessageOfFile;
  readonly oneof: Oneof | undefined;
  readonly presence: number;
  readonly utf8Validation: boolean;
  readonly deprecated: boolean;
  readonly fieldKind: "scalar" | "enum" | "message" | "list" | "map";
  readonly listKind: "scalar" | "enum" | "message" | undefined;
  readonly mapKind: "scalar" | "enum" | "message" | undefined;
  readonly mapKey: number | undefined;
  readonly scalar: number | undefined;
  readonly enum: EnumOfFile | undefined;
  readonly message: MessageOfFile | undefined;
  readonly longAsString: boolean;
  readonly delimitedEncoding: boolean | undefined;
  readonly packed: boolean | undefined;
  /** proto3 has none but the type's own. */
  readonly getDefaultValue: (() => undefined) | undefined;
  readonly proto: never;
  toString(): string;
}

/** A group of fields of which one is set. */
export interface Oneof {
  readonly kind: "oneof";
  readonly name: string;
  readonly localName: string;
  readonly parent: MessageOfFile;
  readonly fields: Field[];
  readonly deprecated: boolean;
  readonly proto: never;
  toString(): string;
}

type Content = Pick<
  Field,
  | "fieldKind"
  | "listKind"
  | "mapKind"
  | "mapKey"
  | "scalar"
  | "enum"
  | "message"
  | "longAsString"
  | "delimitedEncoding"
  | "packed"
  | "getDefaultValue"
>;

/** What no kind of field has unless it says so. */
const NOTHING = {
  ...{ listKind: undefined, mapKind: undefined, mapKey: undefined, scalar: undefined },
  ...{ enum: undefined, message: undefined, longAsString: false, delimitedEncoding: undefined },
  ...{ packed: undefined, getDefaultValue: undefined },
} as const;

/** Reads a field of `parent`, whose oneofs are `oneofs` in their order. */
export function readField(
  slices: ProtoSlices,
  parent: MessageOfFile,
  oneofs: readonly Oneof[],
): Field {
  const name = slices.text(NAME);
  const oneofIndex = slices.number(ONEOF_INDEX);
  const isOptional = slices.isSet(PROTO3_OPTIONAL);
  const oneof = oneofIndex === undefined || isOptional ? undefined : oneofs[oneofIndex];
  const content = readContent(slices, parent);
  const isExplicit = oneof !== undefined || isOptional || content.fieldKind === "message";
  const jsonName = camelCase(name);
  return {
    kind: "field",
    name,
    number: slices.number(NUMBER) ?? 0,
    localName: oneof === undefined ? safeName(jsonName) : jsonName,
    jsonName: slices.text(JSON_NAME) || jsonName,
    parent,
    oneof,
    presence: isExplicit ? EXPLICIT : IMPLICIT,
    utf8Validation: true,
    deprecated: slices.options(OPTIONS).isSet(DEPRECATED),
    ...content,
    get proto() {
      return withoutProto(this);
    },
    toString: () => `field ${parent.typeName}.${name}`,
  };
}

function readContent(slices: ProtoSlices, parent: MessageOfFile): Content {
  const type = slices.number(TYPE) ?? 0;
  if (type === TYPE_GROUP) throw new Error(`${parent}: groups are not read here`);
  const isRepeated = slices.number(LABEL) === REPEATED;
  const longAsString = slices.options(OPTIONS).number(JS_TYPE) === JS_STRING;
  if (type === TYPE_MESSAGE || type === TYPE_ENUM) {
    const named = parent.file.type(typeNameOf(slices.text(TYPE_NAME)));
    if (!isRepeated) return ofType(named);
    if (named.kind === "message" && named.isMapEntry) return mapOf(named);
    return { ...ofType(named), ...listOf(named.kind, slices, type) };
  }
  return isRepeated
    ? { ...NOTHING, scalar: type, longAsString, ...listOf("scalar", slices, type) }
    : { ...NOTHING, fieldKind: "scalar", scalar: type, longAsString, getDefaultValue };
}

function ofType(named: MessageOfFile | EnumOfFile): Content {
  return named.kind === "enum" ? { ...NOTHING, fieldKind: "enum", enum: named, getDefaultValue } : {
    ...NOTHING,
    fieldKind: "message",
    message: named,
    delimitedEncoding: false,
    getDefaultValue,
  };
}

function listOf(listKind: NonNullable<Field["listKind"]>, slices: ProtoSlices, type: number) {
  const isLengthDelimited = [TYPE_STRING, TYPE_BYTES, TYPE_MESSAGE].includes(type);
  return {
    fieldKind: "list",
    listKind,
    packed: !isLengthDelimited && slices.options(OPTIONS).number(PACKED) !== 0,
    getDefaultValue: undefined,
  } as const;
}

function mapOf(entry: MessageOfFile): Content {
  const [key, value] = [1, 2].map((number) =>
    entry.fields.find((field) => field.number === number)
  );
  if (key === undefined || value === undefined) throw new Error(`${entry} is no entry of a map`);
  const { scalar, enum: enumeration, message, fieldKind } = value;
  if (fieldKind === "list" || fieldKind === "map") throw new Error(`${entry} holds a list`);
  return {
    ...NOTHING,
    fieldKind: "map",
    mapKind: fieldKind,
    mapKey: key.scalar,
    ...{ scalar, enum: enumeration, message },
    delimitedEncoding: false,
  };
}

function getDefaultValue(): undefined {
  return undefined;
}
