/**
 * What the generated messages are described by. The protobuf package's own functions of these names
 * read every schema that a program imports when it starts, through messages and a registry, which
 * takes an agent longer than all else that it is loaded for. These read a message when it is first
 * used. They know what pact's schemas need, which is proto3 without extensions.
 *
 * @module
 */
export { enumDesc, fileDesc, messageDesc, serviceDesc } from "./describe.ts";
