import { create, toBinary } from "@bufbuild/protobuf";
import { fileDesc, type GenService, serviceDesc } from "@bufbuild/protobuf/codegenv2";
import {
  type BytesValueSchema,
  file_google_protobuf_wrappers,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** The echo service in types. */
type EchoMethods = {
  /** Answers with what it got. */
  echo: {
    methodKind: "unary";
    input: typeof BytesValueSchema;
    output: typeof BytesValueSchema;
  };
  /** Sends the request again and again until the caller goes. */
  repeat: {
    methodKind: "server_streaming";
    input: typeof BytesValueSchema;
    output: typeof BytesValueSchema;
  };
  /** Answers every message with itself. */
  converse: {
    methodKind: "bidi_streaming";
    input: typeof BytesValueSchema;
    output: typeof BytesValueSchema;
  };
};

const bytesValue = ".google.protobuf.BytesValue";
const file = create(FileDescriptorProtoSchema, {
  name: "pact/test/echo.proto",
  package: "pact.test",
  syntax: "proto3",
  dependency: ["google/protobuf/wrappers.proto"],
  service: [{
    name: "EchoService",
    method: [
      { name: "Echo", inputType: bytesValue, outputType: bytesValue },
      { name: "Repeat", inputType: bytesValue, outputType: bytesValue, serverStreaming: true },
      {
        name: "Converse",
        inputType: bytesValue,
        outputType: bytesValue,
        clientStreaming: true,
        serverStreaming: true,
      },
    ],
  }],
});

/** A service of every kind of call, for tests of the plumbing that should not depend on pact's API. */
export const EchoService: GenService<EchoMethods> = serviceDesc(
  fileDesc(toBinary(FileDescriptorProtoSchema, file).toBase64(), [file_google_protobuf_wrappers]),
  0,
);
