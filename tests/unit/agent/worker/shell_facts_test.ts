import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { type InformedShell, ShellFacts } from "../../../../agent/worker/shell_facts.ts";
import { agentport, stream } from "../../../../api/mod.ts";

/** A shell that writes down what it is told. */
function shell() {
  const told: string[] = [];
  const informed: InformedShell = {
    recallIssuer: ({ issuer }) => void told.push(`recalled ${issuer}`),
    takeIssuer: (issuer) => void told.push(`told ${issuer?.issuer ?? "nobody"}`),
    allow: ({ addresses }) => void told.push(`allowed ${addresses.join(" ")}`),
    useIdentity: ({ serial }) => void told.push(`identity ${serial}`),
  };
  return { told, informed };
}

const issuer = (name: string) => create(stream.TokenIssuerSchema, { issuer: name });
const identity = (serial: string) => create(agentport.NodeIdentitySchema, { serial });
const addresses = (...all: string[]) =>
  create(agentport.ShellAddressesSchema, { isRestricted: true, addresses: all });

Deno.test("SHS-8: a shell that opens late learns the newest of everything that came before it", () => {
  const facts = new ShellFacts();
  facts.useIdentity(identity("1"));
  facts.recallIssuer(issuer("kept"));
  facts.allow(addresses("10.0.0.1"));
  facts.takeIssuer(issuer("a"));
  facts.takeIssuer(undefined);
  facts.useIdentity(identity("2"));
  const { told, informed } = shell();
  facts.tell(informed);
  assert.deepEqual(told, ["recalled kept", "told nobody", "allowed 10.0.0.1", "identity 2"]);
});

Deno.test("an open shell is told at once, and of nothing that nobody said", () => {
  const facts = new ShellFacts();
  const { told, informed } = shell();
  facts.tell(informed);
  assert.deepEqual(told, []);
  facts.useIdentity(identity("1"));
  facts.takeIssuer(issuer("a"));
  assert.deepEqual(told, ["identity 1", "told a"]);
});
