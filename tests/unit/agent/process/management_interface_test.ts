import assert from "node:assert/strict";
import { formatIp, interfaceSpec } from "../../../../agent/interfaces/mod.ts";
import {
  managementInterfaces,
  type ManagementKnowledge,
  withManagementRole,
} from "../../../../agent/process/management_interface.ts";

const HOSTS = `127.0.0.1 localhost
10.2.0.5  journal-1.example.org Journal-1 # the first
fd00:3::5 journal-1
nonsense journal-1
`;

function knowledge(facts: Partial<ManagementKnowledge>): ManagementKnowledge {
  return {
    journalHosts: [],
    hostsFile: HOSTS,
    named: [],
    wayTo: (address) => {
      const text = formatIp(address);
      if (text.startsWith("10.2.")) return "eno2";
      if (text.startsWith("fd00:3:")) return "eno3";
      if (text.startsWith("127.")) return "lo";
      return text === "192.0.2.1" ? "hsn0" : undefined;
    },
    ...facts,
  };
}

Deno.test("NEN-1: the interface that carries the route to the journal is the management interface, then the one with the role, then that of the default route", () => {
  const chosen = (journalHosts: string[], named: string[] = []) =>
    managementInterfaces(knowledge({ journalHosts, named }));
  assert.deepEqual(chosen(["10.2.0.9"], ["eno9"]), ["eno2", "eno9", "hsn0"]);
  assert.deepEqual(chosen(["journal-1"], ["eno3"]), ["eno2", "eno3", "hsn0"]);
  assert.deepEqual(chosen(["journal.elsewhere.example"], ["eno9"]), ["eno9", "hsn0"]);
  assert.deepEqual(chosen([]), ["hsn0"]);
  assert.deepEqual(managementInterfaces(knowledge({ wayTo: () => undefined })), []);
});

Deno.test("NEN-1: only interfaces declared with the role management have it", () => {
  const specs = [
    interfaceSpec("eno1", { address: "dhcp", role: "management" }),
    interfaceSpec("hsn0", { address: "dhcp", role: "hsn" }),
    interfaceSpec("eno2", "dhcp"),
  ];
  assert.deepEqual(withManagementRole(specs), ["eno1"]);
});
