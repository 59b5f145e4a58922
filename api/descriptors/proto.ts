/** Descriptors are read from their bytes; google.protobuf.FileDescriptorProto is never made of them. */
export function withoutProto(described: { toString(): string }): never {
  throw new Error(
    `${described} does not keep the message of descriptor.proto that it was read from`,
  );
}
