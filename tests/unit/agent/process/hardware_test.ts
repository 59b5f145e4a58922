import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  detectHardware,
  type HardwareFiles,
  type NetworkIdentity,
} from "../../../../agent/process/hardware.ts";
import { isShimError } from "../../../../ffi/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";

/** The machine's tree below a directory, read through the real shim; a TPM answers where one is given. */
function below(
  files: HardwareFiles,
  root: string,
  tpm?: (command: Uint8Array) => Uint8Array,
): HardwareFiles {
  return {
    readText: (path, options) => files.readText(root + path, options),
    list: (path, options) => files.list(root + path, options),
    lstatIfPresent: (path) => files.lstatIfPresent(root + path),
    exchange: (path, command) => {
      assert.equal(path, "/dev/tpmrm0");
      assert.ok(tpm !== undefined);
      return tpm(command);
    },
  };
}

async function tree(root: string, entries: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(entries)) {
    await Deno.mkdir(root + path.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(root + path, text);
  }
}

const MACHINE = {
  "/sys/class/net/lo/address": "00:00:00:00:00:00\n",
  "/sys/class/net/lo/type": "772\n",
  "/sys/class/net/bond0/address": "02:00:00:00:00:99\n",
  "/sys/class/net/bond0/type": "1\n",
  "/sys/class/net/eno1/address": "02:00:00:00:00:99\n",
  "/sys/class/net/eno1/type": "1\n",
  "/sys/class/net/eno1/device/vendor": "0x15b3\n",
  "/sys/class/net/eno1/bonding_slave/perm_hwaddr": "02:00:00:00:00:01\n",
  "/sys/class/net/eno2/address": "02:00:00:00:00:02\n",
  "/sys/class/net/eno2/type": "1\n",
  "/sys/class/net/eno2/device/vendor": "0x15b3\n",
  "/sys/class/net/aib0/address": "80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:00:00:01\n",
  "/sys/class/net/aib0/type": "32\n",
  "/sys/class/net/aib0/device/vendor": "0x15b3\n",
  "/sys/class/dmi/id/chassis_serial": "CZ1234\n",
  "/sys/class/dmi/id/product_uuid": "4C4C4544-0042-3010-8036-C7C04F4D3232\n",
};

/** A network of which nothing is known. */
const NOWHERE: NetworkIdentity = { management: [], permanentAddress: () => undefined };

Deno.test("NEN-1: a machine is known by the permanent address of its lowest physical Ethernet interface where none is for management, and by what the firmware tells", async () => {
  await using dir = await tempDir();
  await tree(dir.path, MACHINE);
  await withShim(({ files }) => {
    assert.deepEqual(detectHardware(below(files, dir.path), NOWHERE), {
      mac: "02:00:00:00:00:01",
      bmc_serial: "CZ1234",
      smbios_uuid: "4c4c4544-0042-3010-8036-c7c04f4d3232",
    });
  });
});

Deno.test("NEN-1: the lowest interface is the one with the lowest numbers, however many digits they have", async () => {
  await using dir = await tempDir();
  const ports = ["enp10s0", "enp2s0f10", "enp2s0f9", "enp2s0f9np0"];
  for (const [index, name] of ports.entries()) {
    await tree(dir.path, {
      [`/sys/class/net/${name}/address`]: `02:00:00:00:00:0${index}\n`,
      [`/sys/class/net/${name}/type`]: "1\n",
      [`/sys/class/net/${name}/device/vendor`]: "0x15b3\n",
    });
  }
  await withShim(({ files }) => {
    assert.deepEqual(detectHardware(below(files, dir.path), NOWHERE), { mac: "02:00:00:00:00:02" });
  });
});

Deno.test("NEN-1: the management interface counts before the lowest, by the address it was made with, down to the port of a bond", async () => {
  await using dir = await tempDir();
  await tree(dir.path, {
    ...MACHINE,
    "/sys/class/net/eno10/address": "02:00:00:00:00:10\n",
    "/sys/class/net/eno10/type": "1\n",
    "/sys/class/net/eno10/device/vendor": "0x15b3\n",
    "/sys/class/net/bond0/lower_eno10/address": "",
    "/sys/class/net/bond0/lower_eno1/address": "",
    "/sys/class/net/bond0.7/lower_bond0/address": "",
  });
  await withShim(({ files }) => {
    const macOf = (management: string[], made: Readonly<Record<string, string>> = {}) =>
      detectHardware(below(files, dir.path), {
        management,
        permanentAddress: (name) => made[name],
      })["mac"];
    assert.equal(macOf(["eno10"]), "02:00:00:00:00:10");
    assert.equal(macOf(["eno2"], { eno2: "02:00:00:00:00:22" }), "02:00:00:00:00:22");
    assert.equal(macOf(["eno2"], { eno2: "00:00:00:00:00:00" }), "02:00:00:00:00:02");
    assert.equal(macOf(["bond0.7"]), "02:00:00:00:00:01", "the port of the bond below the VLAN");
    assert.equal(macOf(["lo", "aib0", "eno2"]), "02:00:00:00:00:02", "what has no MAC is none");
    assert.equal(macOf(["gone"]), "02:00:00:00:00:01");
  });
  await Deno.remove(`${dir.path}/sys/class/net/eno1`, { recursive: true });
  await withShim(({ files }) =>
    assert.equal(
      detectHardware(below(files, dir.path), NOWHERE)["mac"],
      "02:00:00:00:00:02",
      "2 is lower than 10",
    )
  );
});

Deno.test("NEN-1: what vendors leave in place of a serial number identifies nothing", async () => {
  await using dir = await tempDir();
  await tree(dir.path, { ...MACHINE, "/sys/class/dmi/id/board_serial": "B77\n" });
  const placeholders = [
    "To be filled by O.E.M.",
    "Default string",
    "0123456789",
    "None",
    "",
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "Not Specified",
  ];
  await withShim(({ files }) => {
    for (const placeholder of placeholders) {
      for (const name of ["chassis_serial", "product_uuid"]) {
        Deno.writeTextFileSync(`${dir.path}/sys/class/dmi/id/${name}`, `${placeholder}\n`);
      }
      const { bmc_serial, smbios_uuid } = detectHardware(below(files, dir.path), NOWHERE);
      assert.equal(bmc_serial, "B77", "the board's serial where the chassis has none");
      assert.equal(smbios_uuid, undefined, placeholder);
    }
  });
});

/** A TPM as far as a reader of its endorsement key sees it: NV indexes and persistent keys. */
function tpmWith(
  { nv = {}, keys = {} }: {
    readonly nv?: Readonly<Record<number, Uint8Array>>;
    readonly keys?: Readonly<Record<number, Uint8Array>>;
  },
) {
  const answer = (body: readonly number[], code = 0, tag = 0x8001) => {
    const whole = new Uint8Array(10 + body.length);
    const view = new DataView(whole.buffer);
    view.setUint16(0, tag);
    view.setUint32(2, whole.length);
    view.setUint32(6, code);
    whole.set(body, 10);
    return whole;
  };
  const sized = (bytes: readonly number[]) => [bytes.length >> 8, bytes.length & 0xff, ...bytes];
  return (command: Uint8Array): Uint8Array => {
    const view = new DataView(command.buffer, command.byteOffset, command.byteLength);
    assert.equal(view.getUint32(2), command.length);
    const handle = view.getUint32(10);
    const data = nv[handle];
    switch (view.getUint32(6)) {
      case 0x169: {
        if (data === undefined) return answer([], 0x18b);
        const index = [...command.subarray(10, 14)];
        const size = [data.length >> 8, data.length & 0xff];
        return answer([...sized([...index, 0, 11, 0, 0, 0, 0, 0, 0, ...size]), ...sized([1, 2])]);
      }
      case 0x14e: {
        assert.equal(view.getUint16(0), 0x8002);
        assert.equal(view.getUint32(14), handle);
        assert.equal(view.getUint32(18), 9);
        const [count, offset] = [view.getUint16(31), view.getUint16(33)];
        assert.ok(data !== undefined && count <= 512);
        const part = sized([...data.subarray(offset, offset + count)]);
        return answer([0, 0, 0, part.length, ...part, 0, 0, 1, 0, 0], 0, 0x8002);
      }
      case 0x173: {
        const key = keys[handle];
        return key === undefined ? answer([], 0x18b) : answer([...sized([...key]), ...sized([])]);
      }
      default:
        return answer([], 0x143);
    }
  };
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Bytes that begin like a certificate of that length. */
function certificateOf(length: number): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, at) => at % 251);
  bytes.set([0x30, 0x82, (length - 4) >> 8, (length - 4) & 0xff]);
  return bytes;
}

Deno.test("NEN-1: the endorsement key's certificate, else its public area, is the strongest identifier", async () => {
  await using dir = await tempDir();
  await tree(dir.path, { "/dev/tpmrm0": "" });
  const certificate = certificateOf(1_234);
  const padded = new Uint8Array(1_600);
  padded.set(certificate);
  const key = Uint8Array.of(0, 1, 0, 11, 5, 6, 7);
  await withShim(({ files }) => {
    const hashBy = (tpm: (command: Uint8Array) => Uint8Array) =>
      detectHardware(below(files, dir.path, tpm), NOWHERE)["tpm_ek_hash"];
    assert.equal(hashBy(tpmWith({ nv: { 0x01c00002: padded } })), sha256(certificate));
    assert.equal(hashBy(tpmWith({ nv: { 0x01c0000a: certificate } })), sha256(certificate));
    assert.equal(hashBy(tpmWith({ keys: { 0x81010001: key } })), sha256(key));
    assert.equal(hashBy(tpmWith({})), undefined);
    assert.equal(hashBy(() => new Uint8Array(3)), undefined, "nonsense");
    assert.equal(hashBy(() => new Uint8Array(64)), undefined, "nonsense");
    assert.equal(hashBy(tpmWith({ nv: { 0x01c00002: new Uint8Array(700) } })), undefined);
  });
});

Deno.test("a command to a character device is answered, or times out; what is none is refused", async () => {
  await using dir = await tempDir();
  await Deno.writeTextFile(dir.file("file"), "");
  const limits = { timeoutMs: 200, maxBytes: 64 };
  await withShim(({ files }) => {
    // A fresh terminal echoes what is written to its other end.
    const answer = files.exchange("/dev/ptmx", new TextEncoder().encode("abc"), limits);
    assert.equal(new TextDecoder().decode(answer), "abc");
    const fails = (path: string, code: "EOPNOTSUPP" | "ENOENT") =>
      assert.throws(
        () => files.exchange(path, Uint8Array.of(1), limits),
        (error) => isShimError(error, code),
      );
    fails(dir.file("file"), "EOPNOTSUPP");
    fails(dir.file("none"), "ENOENT");
  });
});
