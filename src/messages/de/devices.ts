import type { Wording } from "../catalogue.js";
import type { devices as english } from "../en/devices.js";

export const devices: Wording<typeof english> = {
  "label.bundle": "Bündel",
  "label.bundle-key": "Schlüssel des Bündels",
  "label.expires": "Läuft ab",
  "label.never": "nie",

  "device.lapsed": "Dieses Gerät ist seit {time} abgelaufen.",
  "device.lapsed.hint": "Auf einem Verwaltungsgerät: meshman device renew {udf} --expires 90d",
  "device.lapsed-at": "seit {time} abgelaufen",
  "device.lapsed-left": "Nicht mehr im Profil, weil ihre Zeit abgelaufen war: {names}",
  "device.name-shared":
    "Auch ein anderes Gerät heißt {name}. Die Befehle unterscheiden sie am UDF, den `meshman device list` zeigt.",

  "bundle.what.content": "Der Inhalt des Bündels",
  "bundle.none": "Die Datei {path} ist kein Bündel für ein Gerät oder ist beschädigt.",
  "bundle.is-backup": "Die Datei {path} ist die Sicherung eines Profils und kein Bündel für ein Gerät.",
  "bundle.is-backup.hint": "`meshman profile import` nimmt sie.",
  "bundle.not-opened":
    "Das Bündel lässt sich nicht öffnen: Der Schlüssel gehört zu einem anderen, oder die Datei ist beschädigt.",
  "bundle.not-opened.hint":
    "Prüfen Sie, ob der Schlüssel zu dieser Datei gehört und ob sie vollständig angekommen ist. Wenn sie beschädigt ist, bereiten Sie mit `meshman device preconfigure` ein anderes Gerät vor.",
  "bundle.content-wrong": "Der Inhalt des Bündels passt nicht zusammen.",
  "bundle.too-large": "Das Profil ist zu groß für ein Bündel.",
  "bundle.key-mistyped": "Der Schlüssel des Bündels enthält einen Tippfehler.",
  "bundle.key-mistyped.hint": "Er hat 61 Zeichen, Buchstaben und Ziffern von 2 bis 7, und beginnt mit B.",
  "bundle.key-format": "Der Schlüssel des Bündels ist von einer neueren Art.",
  "bundle.key-format.hint": "Installieren Sie eine neuere Version von meshman.",

  "preconfigure.one-file": "Das Bündel und sein Schlüssel können nicht in derselben Datei sein.",
  "preconfigure.next": "Auf dem Rechner, der dieses Gerät werden soll:",
  "preconfigure.apart":
    "Wer die Datei und den Schlüssel hat, ist dieses Gerät: Bringen Sie beide auf verschiedenen Wegen dorthin.",
  "preconfigure.shown-once": "Der Schlüssel wird nur einmal gezeigt.",
  "preconfigure.overtaken": "Ein anderer Aufruf desselben Befehls war schneller.",
  "preconfigure.overtaken.hint": "Der Schlüssel, den jener gezeigt hat, gehört zu dem Bündel.",

  "install.what-key": "Der Schlüssel des Bündels",
  "install.what-key.hint": "Verwenden Sie --key-file oder --key-fd.",
  "install.ask-key": "Schlüssel des Bündels",
  "install.one-key":
    "Geben Sie den Schlüssel des Bündels nur auf einem Weg an: in einer Datei oder über einen Deskriptor.",
  "install.profile-here": "Das Profil ist schon auf diesem Rechner, unter dem Namen {name} und als ein anderes Gerät.",
  "install.profile-here.hint":
    "Installieren Sie es mit --home in einem anderen Home-Ordner, oder entfernen Sie das vorhandene mit `meshman profile delete`.",
  "install.bundle-left":
    "Warnung: Das Bündel konnte nicht entfernt werden, und mit ihm lässt sich dieses Gerät noch einmal installieren: {path}. {reason}",
  "install.lapsed.hint":
    "Auf einem Verwaltungsgerät: meshman device renew {udf} --expires 90d. Enthält das Profil das Gerät schon nicht mehr, erzeugen Sie mit `meshman device preconfigure` ein anderes.",
  "install.already": "Dieses Gerät ist hier schon installiert.",
  "install.next":
    "Diese Schlüssel wurden anderswo erzeugt. So bekommt das Gerät neue, die diesen Rechner nie verlassen: meshman device rotate",

  "rotate.complete-with": "Auf einem Verwaltungsgerät: meshman device complete {code}, oder `meshman device approve`",
  "rotate.complete-admin":
    "Auf einem anderen Verwaltungsgerät, das den Hauptschlüssel hat oder Anteile bekommt: meshman device complete {code}",
  "rotate.then-status":
    "Bis dahin arbeitet dieses Gerät mit seinen jetzigen Schlüsseln weiter. Sehen Sie hier nach: meshman device status",
  "rotate.until-then":
    "Der Schlüsselwechsel ist angefragt. Bis dahin arbeitet dieses Gerät mit seinen jetzigen Schlüsseln weiter.",
  "rotate.done": "Dieses Gerät hat neue Schlüssel.",
  "rotate.as-before": "Dieses Gerät arbeitet mit den Schlüsseln weiter, die es hat.",
  "rotate.invites-ended": {
    one: "{count} offene Einladung gilt seit dem Schlüsselwechsel nicht mehr. Erzeugen Sie sie mit `meshman device invite` neu.",
    other:
      "{count} offene Einladungen gelten seit dem Schlüsselwechsel nicht mehr. Erzeugen Sie sie mit `meshman device invite` neu.",
  },

  "renew.one-of":
    "Geben Sie entweder mit --expires an, wie lange das Gerät bleibt, oder mit --never, dass es nie abläuft.",
  "renew.administrator.hint": "Möglich ist nur --never.",

  "heading.invite": "EINLADUNG",
  "heading.joined": "BEIGETRETEN",
  "heading.left": "ÜBRIG",
  "heading.state": "STAND",
  "invites.open": "offen",
  "invites.expired": "abgelaufen",
  "invites.used-up": "aufgebraucht",
  "invites.none": "Es gibt keine Einladungen. `meshman device invite` macht eine.",

  "withdraw.unknown": "Das Profil hat keine solche Einladung.",
  "withdraw.unknown.hint": "`meshman device invites` zeigt sie.",
  "withdraw.withdrawn": "Zurückgezogen",
  "withdraw.joined": "Diese Geräte sind mit ihr beigetreten. Entfernen Sie, was nicht Ihnen gehört:",

  "help.device.invites.summary": "die Einladungen des Profils auflisten",
  "help.device.invites.description":
    "Zeigt jede Einladung, wie viele Geräte mit ihr noch beitreten können und bis wann, und welche beigetreten sind. Abgelaufene werden 7 Tage lang gezeigt. Die PINs kennt niemand außer denen, die sie bekommen haben.",
  "help.device.withdraw.summary": "eine Einladung beenden",
  "help.device.withdraw.description":
    "Niemand kann mit ihrer PIN mehr beitreten: für eine PIN, die in falschen Händen sein könnte. Die Geräte, die mit ihr beigetreten sind, bleiben und werden mit dem Befehl aufgelistet, der jedes entfernt. Für ein Verwaltungsgerät.",
  "help.device.withdraw.invite": "die Einladung, wie `meshman device invites` sie zeigt",
  "help.device.preconfigure.summary": "ein Gerät für einen anderen Rechner vorbereiten",
  "help.device.preconfigure.description":
    "Erzeugt hier die Schlüssel eines Geräts, nimmt das Gerät in das Profil auf und schreibt alles, was der Rechner braucht, in ein verschlüsseltes Bündel; dessen Schlüssel wird einmal gezeigt. Dort installiert `meshman device install` das Gerät, ohne dass jemand online sein muss. Ein unterbrochener Aufruf wird durch einen weiteren zu Ende gebracht. Für Verwaltungsgeräte.",
  "help.device.preconfigure.name": "Name des Geräts, der öffentlich wird",
  "help.device.preconfigure.expires": "wie lange das Gerät zum Profil gehört, zum Beispiel 90d (Standard: unbefristet)",
  "help.device.preconfigure.out": "neue Datei für das Bündel",
  "help.device.preconfigure.key-out": "neue Datei für den Schlüssel des Bündels, statt ihn zu zeigen",
  "help.device.install.summary": "diesen Rechner zu dem Gerät in einem Bündel machen",
  "help.device.install.description":
    "Öffnet ein Bündel, das `meshman device preconfigure` geschrieben hat, und legt die Schlüssel des Geräts und sein Profil in diesen Home-Ordner. Danach wird das Bündel entfernt, denn installiert wird daraus nur einmal. Niemand wird gefragt; `meshman device rotate` fragt nach eigenen Schlüsseln für diesen Rechner an.",
  "help.device.install.file": "das Bündel",
  "help.device.install.key-file": "Datei mit dem Schlüssel des Bündels; - für die Standardeingabe",
  "help.device.install.key-fd": "Dateideskriptor, von dem der Schlüssel des Bündels gelesen wird",
  "help.device.install.name": "Name des Profils auf diesem Rechner",
  "help.device.install.keep": "das Bündel liegen lassen",
  "help.device.rename.summary": "einem Gerät einen anderen Namen geben",
  "help.device.rename.description": "Der Name wird öffentlich. Für Verwaltungsgeräte.",
  "help.device.rename.name": "der neue Name",
  "help.device.renew.summary": "festlegen, wie lange ein Gerät bleibt",
  "help.device.renew.description":
    "Das Gerät läuft nach dieser Zeit ab, gerechnet von jetzt an, oder nie. Ein Verwaltungsgerät läuft nie ab. Abgelaufene Geräte verlassen das Profil mit dessen nächster Änderung. Für Verwaltungsgeräte.",
  "help.device.renew.expires": "wie lange, zum Beispiel 90d",
  "help.device.renew.never": "unbefristet",
  "help.device.rotate.summary": "die Schlüssel dieses Geräts wechseln",
  "help.device.rotate.description":
    "Erzeugt neue Schlüssel und fragt an, ob sie an die Stelle der jetzigen treten dürfen, unter demselben Namen und mit denselben Rechten. Bis ein Verwaltungsgerät dem mit `meshman device approve` oder `complete` zugestimmt hat, bleiben die jetzigen Schlüssel in Gebrauch; danach löscht sie der nächste Befehl, der die Schlüssel dieses Geräts benutzt. Wird die Anfrage abgelehnt oder läuft sie ab, bleibt alles, wie es war. Ein Verwaltungsgerät, das den Hauptschlüssel hat oder Anteile bekommt, wechselt sie sofort. Ein weiterer Aufruf macht mit denselben Schlüsseln und demselben Code weiter.",
};
