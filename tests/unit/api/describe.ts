import { type DescEnum, type DescField, type DescFile, ScalarType } from "@bufbuild/protobuf";
import type { DescMessage, DescMethod, DescService } from "@bufbuild/protobuf";

/**
 * A schema as text, in the form of the tables beside this file: one line for each service,
 * message and enum, and below it, indented, one for each of its methods, fields or values.
 */
export function describeFile(file: DescFile): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  const nameOf = (typeName: string) => typeName.slice(file.proto.package.length + 1);
  const addEnum = (desc: DescEnum) =>
    sections.set(`enum ${nameOf(desc.typeName)}`, desc.values.map((v) => `${v.number} ${v.name}`));
  const addMessage = (desc: DescMessage) => {
    sections.set(`message ${nameOf(desc.typeName)}`, desc.fields.map(describeField));
    desc.nestedMessages.forEach(addMessage);
    desc.nestedEnums.forEach(addEnum);
  };
  const addService = (desc: DescService) =>
    sections.set(`service ${nameOf(desc.typeName)}`, desc.methods.map(describeMethod));
  file.services.forEach(addService);
  file.messages.forEach(addMessage);
  file.enums.forEach(addEnum);
  return sections;
}

function describeMethod({ name, input, output, methodKind }: DescMethod): string {
  const streamsIn = methodKind === "client_streaming" || methodKind === "bidi_streaming";
  const streamsOut = methodKind === "server_streaming" || methodKind === "bidi_streaming";
  const request = (streamsIn ? "stream " : "") + input.typeName;
  const response = (streamsOut ? "stream " : "") + output.typeName;
  return `${name} ${request} -> ${response}`;
}

function describeField(field: DescField): string {
  return `${field.number} ${field.name} ${describeLabel(field)}${describeType(field)}`;
}

function describeLabel(field: DescField): string {
  if (field.oneof !== undefined) return `oneof ${field.oneof.name} `;
  if (field.fieldKind === "list") return "repeated ";
  return field.proto.proto3Optional ? "optional " : "";
}

function describeType(field: DescField): string {
  if (field.fieldKind === "map") {
    const value = field.scalar ?? 0;
    return `map<${scalarName(field.mapKey)},${scalarName(value)}>`;
  }
  if (field.message !== undefined) return field.message.typeName;
  if (field.enum !== undefined) return field.enum.typeName;
  return scalarName(field.scalar);
}

function scalarName(scalar: number): string {
  return (ScalarType[scalar] ?? `scalar ${scalar}`).toLowerCase();
}

/** Reads the text form back: the sections of a table, each with its indented lines. */
export function readTable(text: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let lines: string[] | undefined;
  for (const line of text.split("\n").filter((line) => line !== "")) {
    if (line.startsWith("  ")) {
      if (lines === undefined) throw new Error(`"${line}" stands before any section`);
      lines.push(line.trim());
    } else {
      if (sections.has(line)) throw new Error(`"${line}" stands there twice`);
      sections.set(line, lines = []);
    }
  }
  return sections;
}
