import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { raft } from "../../../../api/mod.ts";
import { connectTlsSocket } from "../../../../common/rpc/mod.ts";
import { FRAME, FRAME_PROTOCOL, framed, FrameReader } from "../../../../journal/peers/mod.ts";
import { type TestPki, waitFor } from "../../../support/mod.ts";
import { memberTls, type TestMember } from "./fixture.ts";

/** Who speaks the members' own protocol by hand. */
export interface FramedPeer extends Disposable {
  readonly answers: raft.RaftAnswer[];
  /** What the member ended the connection with. */
  readonly errors: raft.PeerCallError[];
  readonly isClosed: () => boolean;
  batch(batch: raft.RaftBatch): void;
  frame(kind: number, body: Uint8Array): void;
  bytes(bytes: Uint8Array): void;
  /** What the member ended the connection with, once it has. */
  end(): Promise<raft.PeerCallError | undefined>;
}

/** Dials `member` with the certificate of member 2, which it is made to know. */
export async function dialInFrames(pki: TestPki, member: TestMember): Promise<FramedPeer> {
  member.network.setMembers([{ id: 2, raft: "127.0.0.1:1", api: "127.0.0.1:1" }]);
  const socket = await connectTlsSocket({
    endpoint: `https://127.0.0.1:${member.network.port}`,
    ...await memberTls(pki, 2),
    alpnProtocols: [FRAME_PROTOCOL],
    connectTimeoutMs: 3_000,
  });
  const reader = new FrameReader(1024 * 1024);
  const answers: raft.RaftAnswer[] = [];
  const errors: raft.PeerCallError[] = [];
  let isClosed = false;
  socket.on("close", () => isClosed = true);
  socket.on("data", (bytes: Uint8Array) => {
    reader.push(bytes);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      if (frame.kind === FRAME.answer) {
        answers.push(fromBinary(raft.RaftAnswerSchema, frame.body));
      } else errors.push(fromBinary(raft.PeerCallErrorSchema, frame.body));
    }
  });
  const bytes = (bytes: Uint8Array) => void socket.write(bytes);
  const frame = (kind: number, body: Uint8Array) => bytes(framed(kind, body));
  return {
    answers,
    errors,
    isClosed: () => isClosed,
    bytes,
    frame,
    batch: (batch) => frame(FRAME.batch, toBinary(raft.RaftBatchSchema, batch)),
    end: async () => {
      await waitFor(() => isClosed, { what: "the end of the connection" });
      return errors[0];
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
