import { createHmac, hkdfSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256, utf8 } from "../../src/mesh/bytes.js";
import { createConnectionRequest } from "../../src/mesh/connection.js";
import {
  consumeInvite,
  createInvite,
  encodePin,
  findInvite,
  inviteIdOf,
  invitedChange,
  inviteState,
  judgeInvitation,
  judgeRequest,
  openInvite,
  parsePin,
  proveInvitation,
  requireInvite,
  rewrapInvites,
  type InviteOptions,
  type Pin,
} from "../../src/mesh/invite.js";
import { recipientsOf } from "../../src/mesh/jwe.js";
import {
  createDevice,
  generateDeviceKeys,
  nextEpoch,
  nextPersonal,
  recordTime,
  type PersonalChange,
} from "../../src/mesh/profile.js";
import {
  deviceExpiry,
  deviceName,
  isLapsed,
  type Invite,
  type PersonalProfile,
} from "../../src/mesh/records/personal.js";
import type { Invitation } from "../../src/mesh/records/device.js";
import { checkRotation, createRotation } from "../../src/mesh/rotation.js";
import { isSuccessor } from "../../src/mesh/succession.js";
import { encodeBase32, fingerprint, udfFromOctets, udfOctets } from "../../src/mesh/udf.js";
import { errorCode } from "../support/deps.js";
import { newDevice, newPerson, NOW, refusal, stream, type TestDevice } from "./support.js";

const random = stream("invite test");
const ACCOUNT = "alice@example.com";
const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;
const after = (milliseconds: number): Date => new Date(NOW.getTime() + milliseconds);
const time = (milliseconds: number): string =>
  after(milliseconds)
    .toISOString()
    .replace(/\.\d+Z$/, "Z");

const phone = newDevice("phone");
const { keys, master, admin, personal } = newPerson("alice", [phone.device]);
const stranger = newPerson("mallory");
const online = admin.keys.online;
const encryption = admin.keys.encryption;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const letters = (text: string): string => text.replaceAll("-", "");
const newPin = (seed: string): Pin => ({ pin: stream(seed)(16), profile: personal.udf });

describe("the text of a PIN", () => {
  const pin = newPin("pin");
  const text = encodePin(pin);

  test("has its type, version, secret, profile and checksum, in sixteen groups of four", () => {
    expect(text).toMatch(/^PAA[A-Z2-7](-[A-Z2-7]{4}){15}$/);
    const udf = letters(personal.udf);
    const fingerprintOctets = Buffer.concat([
      // 140 bits as hexadecimal digits, and four zero bits.
      Buffer.from(
        [...udf]
          .map((letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, "0"))
          .join("")
          .replace(/.{4}/g, (bits) => Number.parseInt(bits, 2).toString(16))
          .concat("0"),
        "hex",
      ),
    ]);
    const body = Buffer.concat([Buffer.from([0x78, 1]), pin.pin, fingerprintOctets]);
    expect(body.length).toBe(36);
    expect(text).toBe(encodeBase32(Buffer.concat([body, sha256(body).subarray(0, 4)])));
  });

  test("gives both back, in any case and grouping", () => {
    for (const spelling of [
      text,
      text.toLowerCase(),
      letters(text),
      ` ${text.replaceAll("-", " ")}\n`,
      letters(text).replace(/.{8}/g, "$&\r\n"),
    ]) {
      expect(parsePin(spelling)).toEqual(pin);
    }
  });

  test("comes back for any secret and any profile", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.string(), (secret, seed) => {
        const made = { pin: Buffer.from(secret), profile: fingerprint("test", utf8(seed)) };
        expect(parsePin(encodePin(made))).toEqual(made);
      }),
    );
  });

  test("is refused with any one letter changed", () => {
    const all = letters(text);
    for (let at = 0; at < all.length; at++) {
      for (const other of ALPHABET) {
        if (other === all[at]) continue;
        expect(refusal(() => parsePin(all.slice(0, at) + other + all.slice(at + 1)))).toBe("pin-invalid");
      }
    }
  });

  test("is refused with any two letters exchanged", () => {
    const all = [...letters(text)];
    for (let one = 0; one < all.length; one++) {
      for (let two = one + 1; two < all.length; two++) {
        if (all[one] === all[two]) continue;
        const mistyped = all.with(one, all[two]!).with(two, all[one]!).join("");
        expect(refusal(() => parsePin(mistyped))).toBe("pin-invalid");
      }
    }
  });

  test("is refused with any one mistake, whatever the PIN is", () => {
    const place = fc.integer({ min: 0, max: 63 });
    const mistake = fc.oneof(
      fc.record({ kind: fc.constant("change" as const), at: place, letter: fc.constantFrom(...ALPHABET) }),
      fc.record({ kind: fc.constant("drop" as const), at: place, letter: fc.constant("") }),
      fc.record({ kind: fc.constant("insert" as const), at: place, letter: fc.constantFrom(...ALPHABET) }),
      fc.record({
        kind: fc.constant("exchange" as const),
        at: fc.integer({ min: 0, max: 62 }),
        letter: fc.constant(""),
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), mistake, (secret, { kind, at, letter }) => {
        const all = letters(encodePin({ pin: secret, profile: personal.udf }));
        const [head, tail] = [all.slice(0, at), all.slice(at + 1)];
        const mistyped = {
          change: head + letter + tail,
          drop: head + tail,
          insert: head + letter + all.slice(at),
          exchange: head + (tail[0] ?? "") + all.slice(at, at + 1) + tail.slice(1),
        }[kind];
        fc.pre(mistyped !== all);
        expect(refusal(() => parsePin(mistyped))).toBe("pin-invalid");
      }),
      { numRuns: 2000 },
    );
  });

  test.each<[string, string]>([
    ["nothing", ""],
    ["a group less", text.slice(0, -5)],
    ["a group more", `${text}-AAAA`],
    ["padding", `${text}=`],
    ["another letter of the same shape", text.replace(/[A-Z](?=[^A-Z]*$)/, "0")],
    ["a letter whose upper case is one of ours", `${text.slice(0, -1)}ı`],
    ["a fingerprint", personal.udf],
    ["another separator", text.replaceAll("-", ".")],
    ["very long text", "P".repeat(1 << 20)],
    ["much white space", `${text}${" ".repeat(300)}`],
  ])("is refused as %s", (_, other) => {
    expect(refusal(() => parsePin(other))).toBe("pin-invalid");
  });

  /** What has a checksum that is right and must be refused all the same. */
  const forged = (change: (body: Buffer) => Buffer): string => {
    const body = change(Buffer.concat([Buffer.from([0x78, 1]), pin.pin, udfOctets(personal.udf)]));
    return encodeBase32(Buffer.concat([body, sha256(body).subarray(0, 4)]));
  };
  const withOctet = (at: number, value: number) => (body: Buffer) => {
    body[at] = value;
    return body;
  };

  test.each<[string, (body: Buffer) => Buffer]>([
    ["another type", withOctet(0, 0x79)],
    ["the type of a share", withOctet(0, 0x90)],
    ["another version", withOctet(1, 2)],
    ["version nought", withOctet(1, 0)],
    ["a fingerprint of another type", withOctet(18, 0x61)],
    ["bits behind the fingerprint", (body) => withOctet(35, body[35]! | 1)(body)],
    ["an octet less", (body) => body.subarray(0, 35)],
    ["an octet more", (body) => Buffer.concat([body, Buffer.alloc(1)])],
    ["a whole group of octets more", (body) => Buffer.concat([body, Buffer.alloc(5)])],
  ])("is refused with %s, its checksum being right", (_, change) => {
    expect(refusal(() => parsePin(forged(change)))).toBe("pin-invalid");
  });

  test("is what it is without these changes", () => {
    expect(forged((body) => body)).toBe(text);
  });

  test("is never in the error about it", () => {
    for (const mistyped of [text.replace("P", "Q"), `${text.slice(0, 40)}0${text.slice(41)}`, text.slice(0, -1)]) {
      try {
        parsePin(mistyped);
        expect.unreachable();
      } catch (error) {
        const { message, cause, stack } = error as Error;
        for (const shown of [message, String(cause), stack]) {
          for (const groupOfPin of text.split("-")) expect(shown).not.toContain(groupOfPin);
        }
        expect(cause).toBeUndefined();
      }
    }
  });

  test("is not made for a secret of another length", () => {
    expect(refusal(() => encodePin({ ...pin, pin: Buffer.alloc(15) }))).toBe("internal");
    expect(refusal(() => encodePin({ ...pin, profile: "x" }))).toBe("fingerprint-invalid");
  });
});

describe("a fingerprint in octets", () => {
  test("has 140 bits and four that are zero, and comes back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        const udf = fingerprint("test", data);
        const octets = udfOctets(udf);
        expect(octets.length).toBe(18);
        expect(octets[17]! & 0x0f).toBe(0);
        expect(udfFromOctets(octets)).toBe(udf);
      }),
    );
  });

  test("is refused with another length or kind", () => {
    const octets = udfOctets(personal.udf);
    for (const other of [
      Buffer.alloc(0),
      octets.subarray(0, 17),
      Buffer.concat([octets, Buffer.alloc(1)]),
      Buffer.concat([octets.subarray(0, 17), Buffer.of(octets[17]! | 1)]),
      Buffer.concat([Buffer.of(0x90), octets.subarray(1)]),
    ]) {
      expect(refusal(() => udfFromOctets(other))).toBe("fingerprint-invalid");
    }
  });
});

/** A device that shows an invitation. */
const invited = (name: string, prove: (udf: string) => Invitation): TestDevice => {
  const deviceKeys = generateDeviceKeys(stream(name));
  const invitation = prove(deviceKeys.signature.kid);
  return { keys: deviceKeys, device: createDevice(deviceKeys, name, "Linux", NOW, { invitation }) };
};
const request = ({ keys: { signature }, device }: TestDevice) =>
  createConnectionRequest(device, personal.udf, signature);

const options = (members: Partial<InviteOptions> = {}): InviteOptions => ({
  uses: 1,
  notOnOrAfter: after(900 * SECOND),
  ...members,
});
const publish = (change: PersonalChange, now = NOW, previous: PersonalProfile = personal) =>
  nextPersonal(online, previous, change, now);

describe("an invite", () => {
  test("has the MAC key of its PIN, for every administration device and no other", async () => {
    const tablet = newDevice("admin tablet");
    const two = nextEpoch(
      keys.signature,
      online,
      publish({ devices: [admin.device, phone.device, tablet.device] }),
      [admin.device, tablet.device],
      {},
      NOW,
    );
    const { pin: text, invite } = await createInvite(two, options(), random, NOW);
    const { pin, profile } = parsePin(text);
    expect(profile).toBe(personal.udf);
    const macKey = Buffer.from(hkdfSync("sha512", pin, "", "mmm/invite/mac", 64));
    expect(invite).toEqual({
      Id: fingerprint("application/mmm-invite", macKey),
      Key: expect.any(Object),
      Uses: 1,
      NotOnOrAfter: time(900 * SECOND),
      Created: time(0),
    });
    expect(inviteIdOf({ pin })).toBe(invite.Id);
    expect(recipientsOf(invite.Key)).toEqual([admin.device.encryptionKey.udf, tablet.device.encryptionKey.udf]);
    expect(await openInvite(invite, encryption)).toEqual(macKey);
    expect(await openInvite(invite, tablet.keys.encryption)).toEqual(macKey);
    expect(await errorCode(() => openInvite(invite, phone.keys.encryption))).toBe("decryption-failed");
  });

  test("says what it was made to say, and stands in the profile", async () => {
    const { invite } = await createInvite(
      personal,
      options({ uses: 1000, name: "runner", deviceLifetime: 86_400 }),
      random,
      NOW,
    );
    const other = (await createInvite(personal, options({ admin: true }), random, NOW)).invite;
    expect(invite).toMatchObject({ Uses: 1000, Name: "runner", DeviceLifetime: 86_400 });
    expect(invite).not.toHaveProperty("Admin");
    expect(other).toMatchObject({ Uses: 1, Admin: true });
    const profile = publish({ invites: [invite, other] });
    expect(profile.invites).toEqual([invite, other]);
    expect(findInvite(profile, other.Id)).toEqual(other);
    expect(findInvite(profile, personal.udf)).toBeUndefined();
  });

  test("has a PIN that nobody had before", async () => {
    const source = stream("pins");
    const pins = await Promise.all(Array.from({ length: 5 }, () => createInvite(personal, options(), source, NOW)));
    expect(new Set(pins.map(({ pin }) => pin)).size).toBe(5);
    expect(new Set(pins.map(({ invite }) => invite.Id)).size).toBe(5);
  });

  test.each<[string, Partial<InviteOptions>]>([
    ["no uses", { uses: 0 }],
    ["fewer than none", { uses: -1 }],
    ["half a use", { uses: 1.5 }],
    ["too many uses", { uses: 1001 }],
    ["an end that has come", { notOnOrAfter: NOW }],
    ["an end before its beginning", { notOnOrAfter: after(-1) }],
    ["an end that is no time", { notOnOrAfter: new Date(Number.NaN) }],
    ["an empty name", { name: "" }],
    ["a name that is too long", { name: "x".repeat(65) }],
    ["a life of no seconds", { deviceLifetime: 0 }],
    ["a life of eleven years", { deviceLifetime: 11 * 365 * 86_400 }],
    ["a life for an administrator", { admin: true, deviceLifetime: 60 }],
  ])("is not made with %s", async (_, members) => {
    expect(await errorCode(() => createInvite(personal, options(members), random, NOW))).toBe("usage");
  });

  test("is not opened where its key is another's", async () => {
    const [one, two] = await Promise.all([1, 2].map(() => createInvite(personal, options(), random, NOW)));
    expect(await errorCode(() => openInvite({ ...one!.invite, Key: two!.invite.Key }, encryption))).toBe(
      "record-invalid",
    );
  });

  test("is open, then expired, and used up between", () => {
    const invite = { Uses: 1, NotOnOrAfter: time(10 * SECOND) } as Invite;
    const end = Date.parse(invite.NotOnOrAfter);
    expect(inviteState(invite, new Date(end - 1))).toBe("open");
    expect(inviteState(invite, new Date(end))).toBe("expired");
    expect(inviteState({ ...invite, Uses: 0 }, new Date(end - 1))).toBe("used-up");
    expect(inviteState({ ...invite, Uses: 0 }, new Date(end))).toBe("expired");
  });

  test("that is asked for is there, or there is an error that says why not", async () => {
    const { invite } = await createInvite(personal, options(), random, NOW);
    const profile = publish({ invites: [invite] });
    const end = new Date(invite.NotOnOrAfter);
    expect(requireInvite(profile, invite.Id, NOW)).toEqual(invite);
    expect(refusal(() => requireInvite(profile, personal.udf, NOW))).toBe("invite-unknown");
    expect(refusal(() => requireInvite(profile, invite.Id, end))).toBe("invite-expired");
    const used = { invites: consumeInvite(profile, invite.Id, phone.device.udf) };
    expect(refusal(() => requireInvite(used, invite.Id, NOW))).toBe("invite-used");
    expect(refusal(() => requireInvite(used, invite.Id, end))).toBe("invite-expired");
  });

  test("is used up one by one, the others being as they were", async () => {
    const made = await Promise.all([2, 7].map((uses) => createInvite(personal, options({ uses }), random, NOW)));
    const [two, seven] = made.map(({ invite }) => invite);
    const profile = { invites: [{ ...two!, Colour: "red" }, seven!] };
    const [one, other, third] = ["one", "other", "third"].map((name) => newDevice(name).device.udf);
    const once = { invites: consumeInvite(profile, two!.Id, one!) };
    expect(once.invites).toEqual([{ ...two, Colour: "red", Uses: 1, Joined: [one] }, seven]);
    const twice = { invites: consumeInvite(once, two!.Id, other!) };
    // Where nobody can come by it any more, nobody need be remembered.
    expect(twice.invites).toEqual([{ ...two, Colour: "red", Uses: 0 }, seven]);
    expect(refusal(() => consumeInvite(twice, two!.Id, third!))).toBe("invite-used");
    expect(refusal(() => consumeInvite(once, two!.Id, one!))).toBe("invite-used");
    expect(refusal(() => consumeInvite(twice, personal.udf, third!))).toBe("invite-unknown");
    expect(profile.invites[0]?.Uses).toBe(2);
  });
});

describe("an invitation", () => {
  const setting = async (members: Partial<InviteOptions> = {}) => {
    const { pin: text, invite } = await createInvite(personal, options(members), random, NOW);
    const pin = parsePin(text);
    const tablet = invited(`tablet ${invite.Id}`, (udf) => proveInvitation(pin, ACCOUNT, udf));
    return {
      pin,
      invite,
      tablet,
      profile: publish({ invites: [invite] }),
      macKey: await openInvite(invite, encryption),
    };
  };

  test("is the HMAC over four texts behind their lengths", async () => {
    const { pin, invite, tablet, macKey } = await setting();
    const octets = [invite.Id, personal.udf, ACCOUNT, tablet.device.udf].flatMap((text) => [
      Buffer.from(Buffer.byteLength(text).toString(16).padStart(8, "0"), "hex"),
      utf8(text),
    ]);
    const proof = createHmac("sha512", macKey).update(Buffer.concat(octets)).digest("base64url");
    expect(tablet.device.invitation).toEqual({ Id: invite.Id, Account: ACCOUNT, Proof: proof });
    expect(proveInvitation(pin, "zoë@example.com", tablet.device.udf).Proof).not.toBe(proof);
  });

  test("is judged in every state of its invite", async () => {
    const { invite, tablet, profile, macKey } = await setting();
    const end = new Date(invite.NotOnOrAfter);
    const used = publish({ invites: consumeInvite(profile, invite.Id, phone.device.udf) });
    const judge = (current: PersonalProfile, now: Date, key: Uint8Array | undefined = macKey) =>
      judgeInvitation(current, request(tablet), key, ACCOUNT, now);
    expect(judge(profile, NOW)).toBe("valid");
    expect(judge(profile, new Date(end.getTime() - 1))).toBe("valid");
    expect(judge(profile, end)).toBe("expired");
    expect(judge(used, NOW)).toBe("used-up");
    expect(judge(used, end)).toBe("expired");
    expect(judge(personal, NOW)).toBe("unknown");
    // Without the key nothing is valid, but what is public is told.
    const unopened = (current: PersonalProfile, now: Date) =>
      judgeInvitation(current, request(tablet), undefined, ACCOUNT, now);
    expect(unopened(profile, NOW)).toBe("unknown");
    expect(unopened(profile, end)).toBe("expired");
    expect(unopened(used, NOW)).toBe("used-up");
    for (const current of [personal, profile, used]) {
      expect(judgeInvitation(current, request(newDevice("uninvited")), macKey, ACCOUNT, NOW)).toBe("none");
    }
  });

  test("is judged alike by whoever can open its invite", async () => {
    const { invite, tablet, profile } = await setting();
    const end = new Date(invite.NotOnOrAfter);
    expect(await judgeRequest(profile, request(tablet), encryption, ACCOUNT, NOW)).toBe("valid");
    expect(await judgeRequest(profile, request(tablet), encryption, ACCOUNT, end)).toBe("expired");
    expect(await judgeRequest(profile, request(tablet), phone.keys.encryption, ACCOUNT, NOW)).toBe("unknown");
    expect(await judgeRequest(personal, request(tablet), encryption, ACCOUNT, NOW)).toBe("unknown");
    expect(await judgeRequest(profile, request(newDevice("other")), encryption, ACCOUNT, NOW)).toBe("none");
    const moved = publish({ invites: [{ ...invite, Key: (await setting()).invite.Key }] });
    expect(await judgeRequest(moved, request(tablet), encryption, ACCOUNT, NOW)).toBe("unknown");
  });

  test("is wrong for another device, account, profile, PIN or invite, and with any bit changed", async () => {
    const { pin, invite, tablet, profile, macKey } = await setting();
    const other = await setting();
    const both = publish({ invites: [invite, other.invite] });
    const judge = (device: TestDevice, key: Uint8Array = macKey, account = ACCOUNT, current = profile) =>
      judgeInvitation(current, request(device), key, account, NOW);
    const stolen = tablet.device.invitation!;
    expect(judge(invited("thief", () => stolen))).toBe("wrong");
    expect(judge(tablet, macKey, "bob@example.com")).toBe("wrong");
    const elsewhere = invited("elsewhere", (udf) => proveInvitation(pin, "bob@example.com", udf));
    expect(judge(elsewhere)).toBe("wrong");
    expect(judge(elsewhere, macKey, "bob@example.com")).toBe("valid");
    expect(judge(invited("liar", (udf) => ({ ...proveInvitation(pin, ACCOUNT, udf), Account: "x" })))).toBe("wrong");
    expect(judge(invited("liar 2", (udf) => ({ ...proveInvitation(pin, "x", udf), Account: ACCOUNT })))).toBe("wrong");
    const foreign = { pin: pin.pin, profile: stranger.personal.udf };
    expect(judge(invited("foreign", (udf) => proveInvitation(foreign, ACCOUNT, udf)))).toBe("wrong");
    const guess = (udf: string) => ({ ...proveInvitation(newPin("guess"), ACCOUNT, udf), Id: invite.Id });
    expect(judge(invited("guesser", guess))).toBe("wrong");
    const crossed = (udf: string) => ({ ...proveInvitation(pin, ACCOUNT, udf), Id: other.invite.Id });
    expect(judge(invited("crosser", crossed), other.macKey, ACCOUNT, both)).toBe("wrong");
    expect(judge(tablet, other.macKey)).toBe("wrong");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 511 }), (bit) => {
        const proof = Buffer.from(stolen.Proof, "base64url");
        proof[bit >> 3] = proof[bit >> 3]! ^ (1 << (bit & 7));
        const changed = { ...tablet.device, invitation: { ...stolen, Proof: proof.toString("base64url") } };
        expect(judgeInvitation(profile, { device: changed }, macKey, ACCOUNT, NOW)).toBe("wrong");
      }),
    );
    for (const Proof of ["", "AAAA", stolen.Proof.slice(4), `${stolen.Proof}AAAA`]) {
      const changed = { ...tablet.device, invitation: { ...stolen, Proof } };
      expect(judgeInvitation(profile, { device: changed }, macKey, ACCOUNT, NOW)).toBe("wrong");
    }
  });

  test("lets the device in under the terms of its invite, and takes one use", async () => {
    const { invite, tablet, profile } = await setting({ uses: 2, name: "Alice's tablet", deviceLifetime: 3600 });
    const next = publish(invitedChange(profile, tablet.device, after(5 * SECOND)), after(5 * SECOND), profile);
    expect(next.devices.map(({ udf }) => udf)).toEqual([admin.device.udf, phone.device.udf, tablet.device.udf]);
    expect(deviceName(next, tablet.device)).toBe("Alice's tablet");
    expect(deviceExpiry(next, tablet.device.udf)).toBe(time(3605 * SECOND));
    expect(next.invites).toEqual([{ ...invite, Uses: 1, Joined: [tablet.device.udf] }]);
    const plain = await setting();
    const bare = publish(invitedChange(plain.profile, plain.tablet.device, NOW), NOW, plain.profile);
    expect(bare.entries).toEqual([]);
    expect(refusal(() => invitedChange(bare, plain.tablet.device, NOW))).toBe("invite-used");
    expect(refusal(() => invitedChange(plain.profile, plain.tablet.device, after(DAY)))).toBe("invite-expired");
    expect(refusal(() => invitedChange(plain.profile, phone.device, NOW))).toBe("invite-unknown");
  });
});

describe("where the administrators change", () => {
  const tablet = newDevice("second administrator");
  const three = publish({ devices: [admin.device, phone.device, tablet.device] });
  const invites = async (): Promise<Invite[]> => {
    const made = await Promise.all(
      [options(), options({ uses: 3 }), options({ notOnOrAfter: after(2 * SECOND) })].map((some) =>
        createInvite(three, some, random, NOW),
      ),
    );
    const [open, many, short] = made.map(({ invite }) => invite);
    return [open!, { ...many!, Colour: "red" }, { ...short!, Uses: 0 }];
  };
  const later = after(SECOND);

  test("open invites are encrypted to a new one too, and the others stay as they are", async () => {
    const before = publish({ invites: await invites() }, NOW, three);
    const administrators = [admin.device, tablet.device];
    const wrapped = await rewrapInvites(before, administrators, encryption, later);
    const epoch = nextEpoch(keys.signature, online, before, administrators, { invites: wrapped }, later);
    expect(epoch.invites).toEqual(wrapped);
    for (const [index, invite] of epoch.invites.entries()) {
      const old = before.invites[index]!;
      expect({ ...invite, Key: old.Key }).toEqual(old);
      if (index === 2) {
        expect(invite).toEqual(old);
        continue;
      }
      expect(recipientsOf(invite.Key)).toEqual(administrators.map(({ encryptionKey }) => encryptionKey.udf));
      expect(await openInvite(invite, tablet.keys.encryption)).toEqual(await openInvite(old, encryption));
    }
  });

  test("what this device cannot open stays, and is unknown to the new one", async () => {
    const before = publish({ invites: await invites() }, NOW, three);
    expect(await rewrapInvites(before, [admin.device, tablet.device], tablet.keys.encryption, later)).toEqual(
      before.invites,
    );
    const epoch = nextEpoch(keys.signature, online, before, [admin.device, tablet.device], {}, later);
    expect(epoch.invites).toEqual(before.invites);
  });

  test("open invites go with an administrator, and used up ones stay", async () => {
    const made = await invites();
    const before = publish({ invites: made }, NOW, three);
    const both = nextEpoch(keys.signature, online, before, [admin.device, tablet.device], {}, later);
    const fresh = (await createInvite(both, options(), random, later)).invite;
    const devices = [admin.device, phone.device];
    const gone = nextEpoch(keys.signature, online, both, [admin.device], { devices }, later);
    expect(gone.invites).toEqual([made[2]]);
    // The right goes, and the device stays.
    expect(nextEpoch(keys.signature, online, both, [admin.device], {}, later).invites).toEqual([made[2]]);
    // The device goes, and the right stays on paper.
    expect(nextPersonal(online, both, { devices }, later).invites).toEqual([made[2]]);
    const change = { devices, invites: [...both.invites, fresh] };
    expect(nextEpoch(keys.signature, online, both, [admin.device], change, later).invites).toEqual([made[2], fresh]);
    // The removed one knows the key, and this device's clock may be wrong.
    const lapsed = nextEpoch(keys.signature, online, both, [admin.device], { devices }, after(2 * DAY));
    expect(lapsed.invites).toEqual([made[2]]);
  });

  test("an ordinary device that goes takes no invite along, but the one that let it in", async () => {
    const made = await Promise.all([2, 2].map((uses) => createInvite(three, options({ uses }), random, NOW)));
    const [mine, other] = made.map(({ invite }) => invite);
    const guest = invited("guest", (udf) => proveInvitation(parsePin(made[0]!.pin), ACCOUNT, udf));
    const before = publish({ invites: [mine!, other!] }, NOW, three);
    const joined = publish(invitedChange(before, guest.device, NOW), NOW, before);
    const without = (udf: string) => ({ devices: joined.devices.filter((device) => device.udf !== udf) });
    expect(publish(without(phone.device.udf), later, joined).invites.map(({ Id }) => Id)).toEqual([
      mine!.Id,
      other!.Id,
    ]);
    expect(publish(without(guest.device.udf), later, joined).invites).toEqual([other]);
    // One that has used it up leaves it, so that the next can be told.
    const again = invited("guest 2", (udf) => proveInvitation(parsePin(made[0]!.pin), ACCOUNT, udf));
    const full = publish(invitedChange(joined, again.device, NOW), NOW, joined);
    const left = publish({ devices: before.devices }, later, full);
    expect(left.invites.map(({ Uses }) => Uses)).toEqual([0, 2]);
  });

  test("a device whose time is over takes none along", async () => {
    const some = options({ uses: 2, deviceLifetime: 60, notOnOrAfter: after(DAY) });
    const { pin, invite } = await createInvite(three, some, random, NOW);
    const guest = invited("short guest", (udf) => proveInvitation(parsePin(pin), ACCOUNT, udf));
    const before = publish({ invites: [invite] }, NOW, three);
    const joined = publish(invitedChange(before, guest.device, NOW), NOW, before);
    const next = publish({}, after(3600 * SECOND), joined);
    expect(next.devices).not.toContain(guest.device);
    expect(next.invites).toEqual([{ ...invite, Uses: 1, Joined: [guest.device.udf] }]);
    // But whoever has its keys does not come back by the same proof, which is there for everybody to read.
    expect(await judgeRequest(next, request(guest), encryption, ACCOUNT, after(3600 * SECOND))).toBe("used-up");
    expect(refusal(() => invitedChange(next, guest.device, after(3600 * SECOND)))).toBe("invite-used");
    // Removed by a person after its time was over, it is removed.
    expect(publish({ devices: before.devices }, after(3600 * SECOND), joined).invites).toEqual([]);
  });

  test("a device that was replaced does not come back, and its successor takes the invite along when it goes", async () => {
    const { pin, invite } = await createInvite(three, options({ uses: 5 }), random, NOW);
    const guest = invited("guest to rotate", (udf) => proveInvitation(parsePin(pin), ACCOUNT, udf));
    const before = publish({ invites: [invite] }, NOW, three);
    let profile = publish(invitedChange(before, guest.device, NOW), NOW, before);
    let old: TestDevice = guest;
    for (const name of ["first", "second"]) {
      const fresh = generateDeviceKeys(stream(`successor ${name}`));
      const replaces = createRotation(old.keys.signature, fresh.signature.kid, profile.udf);
      const device = createDevice(fresh, "guest", "", NOW, { replaces });
      profile = publish({ replace: { old: old.device.udf, device } }, NOW, profile);
      old = { keys: fresh, device };
      expect(await judgeRequest(profile, request(guest), encryption, ACCOUNT, NOW)).toBe("used-up");
    }
    expect(profile.invites).toEqual([{ ...invite, Uses: 4, Joined: [guest.device.udf, old.device.udf] }]);
    const devices = profile.devices.filter(({ udf }) => udf !== old.device.udf);
    expect(publish({ devices }, later, profile).invites).toEqual([]);
  });

  test("an invite that has no room for a successor any more goes", async () => {
    const { pin, invite } = await createInvite(three, options({ uses: 5 }), random, NOW);
    const guest = invited("guest without room", (udf) => proveInvitation(parsePin(pin), ACCOUNT, udf));
    const many = Array.from({ length: 1999 }, (_, index) => fingerprint("test", utf8(`joined ${index}`)));
    const full = { ...invite, Joined: [...many, guest.device.udf] };
    const before = publish({ invites: [full], devices: [...three.devices, guest.device] }, NOW, three);
    const fresh = generateDeviceKeys(stream("successor without room"));
    const replaces = createRotation(guest.keys.signature, fresh.signature.kid, before.udf);
    const replace = { old: guest.device.udf, device: createDevice(fresh, "guest", "", NOW, { replaces }) };
    expect(publish({ replace }, NOW, before).invites).toEqual([]);
  });
});

describe("an invite in the versions of a profile", () => {
  test("stays from version to version, and over epochs, with members that this program does not know", async () => {
    const { invite } = await createInvite(personal, options(), random, NOW);
    const first = publish({ invites: [{ ...invite, Colour: "red" }] });
    const second = publish({ names: [personal.udf] }, after(SECOND), first);
    const epoch = nextEpoch(keys.signature, online, second, [admin.device], {}, after(2 * SECOND));
    expect(epoch.invites).toEqual([{ ...invite, Colour: "red" }]);
    expect(publish({ invites: [] }, after(SECOND), first).payload).not.toHaveProperty("Invites");
    expect(master.udf).toBe(epoch.udf);
  });

  test("stays for seven days after it lapsed, and goes with the change after that", async () => {
    const { invite } = await createInvite(personal, options(), random, NOW);
    const profile = publish({ invites: [invite] });
    const end = Date.parse(invite.NotOnOrAfter) + 7 * DAY;
    expect(publish({}, new Date(end - 1), profile).invites).toEqual([invite]);
    expect(publish({}, new Date(end), profile).invites).toEqual([]);
  });

  test("is one of 64 at most", async () => {
    const { invite } = await createInvite(personal, options(), random, NOW);
    const many = (count: number): Invite[] =>
      Array.from({ length: count }, (_, index) => ({ ...invite, Id: fingerprint("test", utf8(String(index))) }));
    expect(publish({ invites: many(64) }).invites.length).toBe(64);
    expect(refusal(() => publish({ invites: many(65) }))).toBe("too-large");
  });
});

describe("any line of changes", () => {
  type Step =
    | { readonly kind: "wait"; readonly seconds: number }
    | { readonly kind: "invite"; readonly uses: number; readonly seconds: number; readonly life: number }
    | { readonly kind: "join" | "expire"; readonly which: number }
    | { readonly kind: "remove" | "rotate"; readonly which: number }
    | { readonly kind: "promote" | "change"; readonly which: number };
  const which = fc.nat({ max: 20 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constant("wait" as const), seconds: fc.constantFrom(1, 600, 4000, 9 * 86_400) }),
    fc.record({
      kind: fc.constant("invite" as const),
      uses: fc.integer({ min: 1, max: 3 }),
      seconds: fc.constantFrom(60, 5000, 864_000),
      life: fc.constantFrom(0, 60, 864_000),
    }),
    fc.record({
      kind: fc.constantFrom("join", "join", "join", "expire", "remove", "rotate", "promote", "change" as const),
      which,
    }),
  );

  interface Member {
    readonly keys: TestDevice["keys"];
    readonly device: TestDevice["device"];
  }

  /** The person, with what the devices and the holders of PINs know. */
  const play = async (steps: readonly Step[]): Promise<void> => {
    let profile = personal;
    let now = NOW;
    let count = 0;
    const members = new Map<string, Member>([admin, phone].map((member) => [member.device.udf, member]));
    const pins = new Map<string, Pin>();
    const admins = (): readonly string[] => profile.master.administrators.map(({ deviceUdf }) => deviceUdf);
    const ordinary = () => profile.devices.filter(({ udf }) => !admins().includes(udf));
    const pick = <T>(items: readonly T[], at: number): T | undefined => items[at % Math.max(1, items.length)];
    const accept = (next: PersonalProfile): void => {
      expect(isSuccessor(profile, next)).toBe(true);
      const left = new Set(profile.devices.map(({ udf }) => udf));
      for (const { udf } of next.devices) left.delete(udf);
      const lostAdministrator = admins().some((udf) => left.has(udf));
      for (const invite of next.invites) {
        const before = findInvite(profile, invite.Id);
        expect(invite.Uses).toBeLessThanOrEqual(before?.Uses ?? 3);
        if (before && before.Uses > 0) expect(lostAdministrator).toBe(false);
      }
      for (const { udf } of next.devices) expect(isLapsed(next, udf, now)).toBe(false);
      profile = next;
    };
    const signed = (change: PersonalChange): PersonalProfile => nextPersonal(online, profile, change, now);
    for (const one of steps) {
      now = new Date(now.getTime() + SECOND);
      if (one.kind === "wait") {
        now = new Date(now.getTime() + one.seconds * SECOND);
      } else if (one.kind === "invite") {
        const some = { uses: one.uses, notOnOrAfter: new Date(now.getTime() + one.seconds * SECOND) };
        const life = one.life === 0 ? {} : { deviceLifetime: one.life };
        const { pin, invite } = await createInvite(profile, { ...some, ...life }, stream(`i${count++}`), now);
        pins.set(invite.Id, parsePin(pin));
        accept(signed({ invites: [...profile.invites, invite] }));
      } else if (one.kind === "join") {
        const [id, pin] = pick([...pins], one.which) ?? [];
        if (id === undefined || pin === undefined) continue;
        const guest = invited(`guest ${count++}`, (udf) => proveInvitation(pin, ACCOUNT, udf));
        const verdict = await judgeRequest(profile, request(guest), encryption, ACCOUNT, now);
        const invite = findInvite(profile, id);
        const state = invite && inviteState(invite, now);
        expect(verdict).toBe(state === undefined ? "unknown" : state === "open" ? "valid" : state);
        if (verdict !== "valid") continue;
        members.set(guest.device.udf, guest);
        accept(signed(invitedChange(profile, guest.device, now)));
        expect(findInvite(profile, id)?.Uses).toBe(invite!.Uses - 1);
      } else if (one.kind === "expire") {
        const device = pick(ordinary(), one.which);
        if (!device) continue;
        accept(signed({ deviceExpiries: { [device.udf]: recordTime(new Date(now.getTime() + 300 * SECOND)) } }));
      } else if (one.kind === "rotate") {
        const device = pick(ordinary(), one.which);
        const old = device && members.get(device.udf);
        if (!old) continue;
        const fresh = generateDeviceKeys(stream(`rotated ${count++}`));
        const replaces = createRotation(old.keys.signature, fresh.signature.kid, profile.udf);
        const renewed = createDevice(fresh, old.device.name, "", now, { replaces });
        const verdict = checkRotation(profile, renewed, now);
        expect(verdict).toBe(isLapsed(profile, old.device.udf, now) ? "expired" : "valid");
        if (verdict !== "valid") continue;
        members.set(renewed.udf, { keys: fresh, device: renewed });
        const expiry = deviceExpiry(profile, old.device.udf);
        accept(signed({ replace: { old: old.device.udf, device: renewed } }));
        expect(deviceExpiry(profile, renewed.udf)).toBe(expiry);
      } else if (one.kind === "promote") {
        const device = pick(ordinary(), one.which);
        if (!device || admins().length > 2) continue;
        const next = [...profile.devices.filter(({ udf }) => admins().includes(udf)), device];
        const invites = await rewrapInvites(profile, next, encryption, now);
        accept(nextEpoch(keys.signature, online, profile, next, { invites }, now));
        for (const invite of profile.invites.filter((candidate) => inviteState(candidate, now) === "open")) {
          const pin = pins.get(invite.Id)!;
          for (const { udf } of next) {
            const macKey = await openInvite(invite, members.get(udf)!.keys.encryption);
            expect(inviteIdOf(pin)).toBe(fingerprint("application/mmm-invite", macKey));
          }
        }
      } else if (one.kind === "remove") {
        const device = pick(
          profile.devices.filter(({ udf }) => udf !== admin.device.udf),
          one.which,
        );
        if (!device) continue;
        const devices = profile.devices.filter(({ udf }) => udf !== device.udf);
        const rest = devices.filter(({ udf }) => admins().includes(udf));
        const isEpoch = admins().includes(device.udf);
        accept(isEpoch ? nextEpoch(keys.signature, online, profile, rest, { devices }, now) : signed({ devices }));
        // It cannot come back by what it knows.
        const { Id } = device.invitation ?? {};
        if (Id !== undefined) expect(findInvite(profile, Id)?.Uses ?? 0).toBe(0);
      } else {
        accept(signed({ names: [profile.udf] }));
      }
    }
  };

  test("lets in only whom an open invite invites, and nobody by what someone who left knows", async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), play), { numRuns: 40 });
  });
});
