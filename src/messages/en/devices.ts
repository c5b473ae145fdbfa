/** What is said of devices that are made for another machine, renamed, given a time, or given new keys. */
export const devices = {
  "label.bundle": "Bundle",
  "label.bundle-key": "Key of the bundle",
  "label.expires": "Lapses",
  "label.never": "never",

  "device.lapsed": "The time of this device was over at {time}.",
  "device.lapsed.hint": "On an administration device: meshman device renew {udf} --expires 90d",
  "device.lapsed-at": "lapsed {time}",
  "device.lapsed-left": "Of the profile no more, since their time was over: {names}",
  "device.name-shared":
    "Another device is named {name}, too. Commands tell them apart by their UDFs, which `meshman device list` shows.",

  "bundle.what.content": "What is in the bundle",
  "bundle.none": "The file {path} is no device bundle, or it is damaged.",
  "bundle.is-backup": "The file {path} is a backup of a profile, and no device bundle.",
  "bundle.is-backup.hint": "`meshman profile import` takes it.",
  "bundle.not-opened": "The bundle does not open: the key is that of another one, or the file is damaged.",
  "bundle.not-opened.hint":
    "Check that the key belongs to this file and that the file came whole. If it is damaged, make another device with `meshman device preconfigure`.",
  "bundle.content-wrong": "What is in the bundle does not fit together.",
  "bundle.too-large": "The profile is too large for a bundle.",
  "bundle.key-mistyped": "The key of the bundle is mistyped.",
  "bundle.key-mistyped.hint": "It has 61 letters and digits 2 to 7, and starts with B.",
  "bundle.key-format": "The key of the bundle is of a newer kind.",
  "bundle.key-format.hint": "Install a newer version of meshman.",

  "preconfigure.one-file": "The bundle and its key cannot be in one file.",
  "preconfigure.next": "On the machine that is to be this device:",
  "preconfigure.apart": "Whoever has the file and the key is this device: bring them there by different ways.",
  "preconfigure.shown-once": "The key is shown only once.",
  "preconfigure.overtaken": "Another run of the same command was faster.",
  "preconfigure.overtaken.hint": "The key that it has shown belongs to the bundle.",

  "install.what-key": "The key of the bundle",
  "install.what-key.hint": "Use --key-file or --key-fd.",
  "install.ask-key": "Key of the bundle",
  "install.one-key": "Give the key of the bundle once: in a file, or on a descriptor.",
  "install.profile-here": "The profile is on this machine already, under the name {name}, as another device.",
  "install.profile-here.hint":
    "Install it in another home with --home, or remove the one here with `meshman profile delete`.",
  "install.bundle-left": "warning: the bundle could not be removed, and installs this device again: {path}. {reason}",
  "install.lapsed.hint":
    "On an administration device: meshman device renew {udf} --expires 90d. If the profile has dropped the device already, make another with `meshman device preconfigure`.",
  "install.already": "This device is installed here already.",
  "install.next": "These keys were made elsewhere. For new ones, which never leave this machine: meshman device rotate",

  "rotate.complete-with": "On an administration device: meshman device complete {code}, or `meshman device approve`",
  "rotate.complete-admin":
    "On another administration device, which has the master key or is given shares: meshman device complete {code}",
  "rotate.then-status": "Until then this device goes on with its present keys. See here: meshman device status",
  "rotate.until-then": "New keys are asked for. Until then this device goes on with its present ones.",
  "rotate.done": "This device has new keys.",
  "rotate.as-before": "This device goes on with the keys that it has.",
  "rotate.invites-ended": {
    one: "{count} open invite has ended with the old keys. Make it again with `meshman device invite`.",
    other: "{count} open invites have ended with the old keys. Make them again with `meshman device invite`.",
  },

  "renew.one-of": "Say either how long the device stays, with --expires, or that it never lapses, with --never.",
  "renew.administrator.hint": "Only --never is possible.",

  "heading.invite": "INVITE",
  "heading.joined": "JOINED BY IT",
  "heading.left": "LEFT",
  "heading.state": "STATE",
  "invites.open": "open",
  "invites.expired": "lapsed",
  "invites.used-up": "used up",
  "invites.none": "There are no invites. `meshman device invite` makes one.",

  "withdraw.unknown": "The profile has no such invite.",
  "withdraw.unknown.hint": "`meshman device invites` shows them.",
  "withdraw.withdrawn": "Withdrawn",
  "withdraw.joined": "These devices have joined by it. Remove what is not yours:",

  "help.device.invites.summary": "list the invites of the profile",
  "help.device.invites.description":
    "Shows each invite, how many devices may still join by it and until when, and which have. Those that have lapsed are shown for 7 days. The PINs are known to nobody but those who were given them.",
  "help.device.withdraw.summary": "end an invite",
  "help.device.withdraw.description":
    "Nobody can join by its PIN any more: for a PIN that may be in wrong hands. The devices that have joined by it stay, and are listed with the command that removes each. For an administration device.",
  "help.device.withdraw.invite": "the invite, as `meshman device invites` shows it",
  "help.device.preconfigure.summary": "make a device for another machine",
  "help.device.preconfigure.description":
    "Makes a device's keys here, adds the device to the profile, and writes all that the machine needs into an encrypted bundle; its key is shown once. There `meshman device install` puts the device in place, while nobody need be online. Interrupted, it is finished by running it again. For an administration device.",
  "help.device.preconfigure.name": "name of the device, which becomes public",
  "help.device.preconfigure.expires": "how long the device belongs to the profile, such as 90d (default: for good)",
  "help.device.preconfigure.out": "new file for the bundle",
  "help.device.preconfigure.key-out": "new file for the key of the bundle, instead of showing it",
  "help.device.install.summary": "make this machine the device in a bundle",
  "help.device.install.description":
    "Opens a bundle that `meshman device preconfigure` wrote, and puts the device's keys and its profile into this home. The bundle is removed then, since it installs once. Nobody is asked; `meshman device rotate` asks for keys of this machine's own.",
  "help.device.install.file": "the bundle",
  "help.device.install.key-file": "file with the key of the bundle; - for standard input",
  "help.device.install.key-fd": "file descriptor from which to read the key of the bundle",
  "help.device.install.name": "name of the profile on this machine",
  "help.device.install.keep": "leave the bundle where it is",
  "help.device.rename.summary": "give a device another name",
  "help.device.rename.description": "The name becomes public. For an administration device.",
  "help.device.rename.name": "the new name",
  "help.device.renew.summary": "say how long a device stays",
  "help.device.renew.description":
    "The device lapses so long from now, or never. An administration device never lapses. Devices that have lapsed leave the profile with the next change of it. For an administration device.",
  "help.device.renew.expires": "how long, such as 90d",
  "help.device.renew.never": "for good",
  "help.device.rotate.summary": "give this device new keys",
  "help.device.rotate.description":
    "Makes new keys, and asks for them to take the place of the present ones, under the same name and with the same rights. Until an administration device has granted that with `meshman device approve` or `complete`, the present keys stay in use; then the next command that uses this device's keys deletes them. Where it is refused or lapses, all stays as it was. An administration device that has the master key, or is given shares, does it at once. Run again, it goes on with the same keys and code.",
} as const;
