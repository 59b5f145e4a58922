import { create } from "@bufbuild/protobuf";
import { raft } from "../../api/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { isDirectoryId } from "../storage/mod.ts";

/** Of what members say to each other and how; members of different versions refuse each other. */
export const PROTOCOL_VERSION = 1;

/** Who a member says it is. */
export interface Hello {
  /** Absent while the member knows of no cluster. */
  readonly clusterId?: string;
  readonly memberId: NodeId;
  /** Drawn by each process at its start: two processes are told apart by it. */
  readonly instanceId: string;
  readonly protocolVersion: number;
  /** Of its data directory; absent for one whose log is kept elsewhere, and for older versions. */
  readonly directoryId?: string;
  /** The newest form of records that it reads; absent for older versions. */
  readonly recordFormat?: number;
}

const keys = {
  cluster: "x-pact-cluster",
  member: "x-pact-member",
  instance: "x-pact-instance",
  protocol: "x-pact-protocol",
  directory: "x-pact-directory",
  records: "x-pact-records",
} as const;

/** The metadata that every call carries. */
export function helloHeaders(hello: Hello): Record<string, string> {
  return {
    ...(hello.clusterId === undefined ? {} : { [keys.cluster]: hello.clusterId }),
    [keys.member]: `${hello.memberId}`,
    [keys.instance]: hello.instanceId,
    [keys.protocol]: `${hello.protocolVersion}`,
    ...(hello.directoryId === undefined ? {} : { [keys.directory]: hello.directoryId }),
    ...(hello.recordFormat === undefined ? {} : { [keys.records]: `${hello.recordFormat}` }),
  };
}

/** @returns undefined when they say nothing that can be understood */
export function helloOfHeaders(headers: Headers): Hello | undefined {
  return checked({
    clusterId: headers.get(keys.cluster) ?? "",
    memberId: wholeNumber(headers.get(keys.member)),
    instanceId: headers.get(keys.instance) ?? "",
    protocolVersion: wholeNumber(headers.get(keys.protocol)),
    directoryId: headers.get(keys.directory) ?? "",
    recordFormat: wholeNumber(headers.get(keys.records)),
  });
}

/** The form in which streams say it. */
export function helloMessage(hello: Hello): raft.RaftHello {
  const { clusterId = "", directoryId = "", recordFormat = 0 } = hello;
  return create(raft.RaftHelloSchema, { ...hello, clusterId, directoryId, recordFormat });
}

/** @returns undefined when it says nothing that can be understood */
export function helloOfMessage(hello: raft.RaftHello): Hello | undefined {
  return checked(hello);
}

function checked(
  { clusterId, memberId, instanceId, protocolVersion, directoryId, recordFormat }: Required<Hello>,
): Hello | undefined {
  const isWhole = /^[\x21-\x7e]{0,128}$/.test(clusterId) &&
    /^[\x21-\x7e]{1,128}$/.test(instanceId) && memberId >= 1 && memberId <= 0xffff_ffff &&
    (directoryId === "" || isDirectoryId(directoryId));
  if (!isWhole) return undefined;
  return {
    ...(clusterId === "" ? {} : { clusterId }),
    memberId,
    instanceId,
    protocolVersion,
    ...(directoryId === "" ? {} : { directoryId }),
    ...(recordFormat === 0 ? {} : { recordFormat }),
  };
}

/** 0, which no field may be, for everything else. */
function wholeNumber(text: string | null): number {
  return text !== null && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
}
