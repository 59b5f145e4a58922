import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { type AskedAction, createConsent } from "../../../../agent/approvals/mod.ts";
import { RefusedError } from "../../../../agent/entries/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const RESTART: AskedAction = {
  person: {
    author: { principal: "ben", principalType: "Human", role: "pact-ops-ml" },
    subject: "u-17",
  },
  action: "service_restart",
  command: "chronyd",
  args: ["force"],
  approvalId: "",
  harmless: false,
};

type Answer = Omit<MessageInitShape<typeof agentport.ApprovalAnswerSchema>, "$typeName" | "askId">;

function rig() {
  const clock = new VirtualClock();
  const asked: agentport.AskApproval[] = [];
  let ids = 0;
  const consent = createConsent({
    clock,
    newUuid: () => `id-${++ids}`,
    send: (frame) => {
      if (frame.case === "askApproval") {
        asked.push(create(agentport.AskApprovalSchema, frame.value));
      }
    },
  });
  const answer = (at: number, answer: Answer) =>
    consent.onAnswer(
      create(agentport.ApprovalAnswerSchema, { ...answer, askId: asked[at]?.askId ?? 0n }),
    );
  return { clock, consent, asked, answer };
}

async function refusalOf(call: Promise<unknown>): Promise<RefusedError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof RefusedError);
    return error;
  }
  throw new Error("not refused");
}

Deno.test("APR-12: the journal is told who wants what, once, and its word authorizes it", async () => {
  const { consent, asked, answer } = rig();
  const first = consent.ask(RESTART);
  const second = consent.ask({ ...RESTART, approvalId: "ap-00000001" });
  assert.deepEqual(asked.map(({ requestId, approvalId }) => [requestId, approvalId]), [
    ["id-1", ""],
    ["id-2", "ap-00000001"],
  ]);
  const [question] = asked;
  assert.deepEqual([question?.author?.principal, question?.authorSubject], ["ben", "u-17"]);
  assert.deepEqual([question?.action, question?.command], ["service_restart", "chronyd"]);
  assert.deepEqual(question?.args, ["force"]);
  answer(1, { policyRef: "approved:ap-00000001" });
  assert.deepEqual(await second, { policyRef: "approved:ap-00000001" });
  answer(0, {
    errorCode: "APPROVAL_REQUIRED",
    errorMessage: "wait",
    approvalId: "ap-00000002",
    approvalExpires: "2026-01-01T00:30:00Z",
  });
  const refusal = await refusalOf(first);
  assert.equal(refusal.code, "APPROVAL_REQUIRED");
  assert.deepEqual(refusal.approval, { id: "ap-00000002", expires: "2026-01-01T00:30:00Z" });
});

Deno.test("DEG-5, EXE-2: without an answer it is denied: by the journal's absence, in time, and when contact is lost", async () => {
  const { consent, answer, clock } = rig();
  const away = consent.ask(RESTART);
  answer(0, { errorCode: "NO_QUORUM", errorMessage: "no quorum" });
  assert.equal((await refusalOf(away)).message, "two-person approval unavailable during partition");
  const late = consent.ask({ ...RESTART, action: "exec" });
  clock.advance(12_000);
  const refusal = await refusalOf(late);
  assert.equal(refusal.code, "POLICY_DENIED");
  assert.equal(refusal.message, "two-person approval unavailable in degraded mode");
  const lost = consent.ask(RESTART);
  consent.disconnected();
  assert.equal((await refusalOf(lost)).code, "POLICY_DENIED");
  // What comes too late is nobody's answer any more.
  answer(2, { policyRef: "approved:ap-00000001" });
});

Deno.test("SHS-5: questions are bounded", async () => {
  const { consent, answer } = rig();
  const waiting = Array.from({ length: 256 }, () => consent.ask(RESTART));
  assert.equal((await refusalOf(consent.ask(RESTART))).code, "RESOURCE_EXHAUSTED");
  waiting.forEach((_, at) => answer(at, { policyRef: "rbac:ml:service_restart" }));
  await Promise.all(waiting);
});
