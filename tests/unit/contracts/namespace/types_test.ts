import assert from "node:assert/strict";
import {
  alreadyHasNamespaces,
  assertImageAllowed,
  assertNamespaceRequest,
  handoffBootFailed,
  handoffQueueFull,
  isSameRequest,
  type NamespaceRequest,
  namespaceRequestFromJson,
  namespaceRequestToJson,
  namespaceResponseFromJson,
  namespaceResponseToJson,
} from "../../../../contracts/mod.ts";

const REQUEST: NamespaceRequest = {
  allocationId: "42",
  namespaces: ["Pid", "Net", "Mount"],
  uenvImage: "pytorch-2.5.sqfs",
  cgroupPath: null,
};

Deno.test("ACC-N3: a namespace request in JSON", () => {
  const golden = {
    allocation_id: "42",
    namespaces: ["Pid", "Net", "Mount"],
    uenv_image: "pytorch-2.5.sqfs",
    cgroup_path: null,
  };
  assert.deepEqual(namespaceRequestToJson(REQUEST), golden);
  assert.deepEqual(namespaceRequestFromJson(golden), REQUEST);
});

Deno.test("NC-3: a request without its optional keys reads like one with null", () => {
  const read = namespaceRequestFromJson({ allocation_id: "42", namespaces: ["Net"] });
  assert.deepEqual(read, {
    allocationId: "42",
    namespaces: ["Net"],
    uenvImage: null,
    cgroupPath: null,
  });
});

Deno.test("ACC-N3: a namespace response in JSON", () => {
  const response = {
    allocationId: "42",
    fdTypes: ["Pid", "Net"],
    uenvMountPath: "/run/pact/uenv/pytorch-2.5",
  } as const;
  const golden = {
    allocation_id: "42",
    fd_types: ["Pid", "Net"],
    uenv_mount_path: "/run/pact/uenv/pytorch-2.5",
  };
  assert.deepEqual(namespaceResponseToJson(response), golden);
  assert.deepEqual(namespaceResponseFromJson(golden), response);
});

const REFUSED: readonly [change: Partial<NamespaceRequest>, reason: string][] = [
  [{ allocationId: "a/b" }, 'invalid allocation id: "a/b"'],
  [{ namespaces: [] }, "no namespaces requested"],
  [{ namespaces: ["Net", "Net"] }, "duplicate namespaces (Net, Net)"],
  [{ namespaces: ["Net"] }, "uenv image without a Mount namespace"],
];

for (const [change, reason] of REFUSED) {
  Deno.test(`section 4.1: a request is refused: ${reason}`, () => {
    assert.throws(() => assertNamespaceRequest({ ...REQUEST, ...change }), {
      message: `namespace creation failed: ${reason}`,
    });
  });
}

Deno.test("section 4.1: a lawful request passes", () => assertNamespaceRequest(REQUEST));

Deno.test("NS-16: a repeated request is the same only with equal content", () => {
  assert.ok(isSameRequest(REQUEST, { ...REQUEST, namespaces: ["Pid", "Net", "Mount"] }));
  assert.ok(!isSameRequest(REQUEST, { ...REQUEST, namespaces: ["Net", "Pid", "Mount"] }));
  assert.ok(!isSameRequest(REQUEST, { ...REQUEST, uenvImage: null }));
  assert.equal(
    alreadyHasNamespaces(REQUEST).message,
    "namespace creation failed: allocation ID already has namespaces (Pid, Net, Mount)",
  );
});

Deno.test("NS-14: the answers to a request that cannot wait", () => {
  assert.equal(handoffQueueFull().message, "namespace creation failed: handoff queue full");
  assert.equal(
    handoffBootFailed("no journal").message,
    "namespace creation failed: boot failed: no journal",
  );
});

Deno.test("NS-19: an image lies below a configured root and has a squashfs suffix", () => {
  assertImageAllowed("p.sqfs", "/images/p.sqfs", ["/scratch", "/images"]);
  assertImageAllowed("p.squashfs", "/images/a/p.squashfs", ["/images/"]);
  for (const path of ["/etc/p.sqfs", "/images-evil/p.sqfs", "/images/p.img", "/images/../e.sqfs"]) {
    assert.throws(() => assertImageAllowed("X", path, ["/images"]), {
      message: "namespace creation failed: image not allowed: X",
    });
  }
});
