import { protoCamelCase, safeObjectProperty } from "@bufbuild/protobuf/reflect";

/** The full name of what stands in a package or in a message. */
export function qualified(scope: string, name: string): string {
  return scope === "" ? name : `${scope}.${name}`;
}

/** As a property of an object, where some names are taken. */
export function safeName(name: string): string {
  return safeObjectProperty(name);
}

/** A field's name in JSON where the schema gives no other. */
export function camelCase(name: string): string {
  return protoCamelCase(name);
}

/** A name that a descriptor gives in full, which it begins with a dot. */
export function typeNameOf(text: string): string {
  return text.startsWith(".") ? text.slice(1) : text;
}
