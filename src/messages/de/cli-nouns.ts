import type { Wording } from "../catalogue.js";
import type { cliNouns as english } from "../en/cli-nouns.js";

export const cliNouns: Wording<typeof english> = {
  "passphrase.what": "Die Passphrase des Schlüsselspeichers",
  "passphrase.what.hint": "Verwenden Sie --passphrase-file oder --passphrase-fd.",
  "passphrase.what-new": "Eine neue Passphrase für den Schlüsselspeicher",
  "passphrase.what-new.hint":
    "Verwenden Sie --passphrase-file, --passphrase-fd, --no-passphrase oder --keystore-key-file.",
  "passphrase.ask": "Passphrase",
  "passphrase.ask-new": "Neue Passphrase",
  "passphrase.ask-again": "Noch einmal dieselbe",
  "passphrase.short": "Mindestens {minimum} Zeichen.",
  "passphrase.differs": "Das ist nicht dieselbe. Versuchen Sie es noch einmal, oder drücken Sie ^C.",
  "passphrase.instead": "Warnung: {reason} Stattdessen öffnet die Passphrase den Schlüsselspeicher.",
  "passphrase.weak":
    "Diese Passphrase ist für jemanden, der eine Kopie der Datei hat, möglicherweise leicht zu erraten. Besser sind mehrere zufällige Wörter.",

  "key.form":
    "Der Schlüssel des Schlüsselspeichers besteht nicht aus 32 Bytes: roh oder als 64 hexadezimale oder 43 base64-Zeichen.",
  "key.form.hint": "`head -c 32 /dev/urandom | base64` erzeugt einen Schlüssel.",
  "key.or-passphrase":
    "Der neue Schlüsselspeicher kann nicht zugleich mit einer Passphrase und einem Schlüssel geschützt werden.",
  "key.or-passphrase.hint":
    "Geben Sie --passphrase-file oder --passphrase-fd an, oder aber --keystore-key-file oder --keystore-key-fd, und sehen Sie nach, welche Variablen gesetzt sind: MESHMAN_PASSPHRASE_FILE, MESHMAN_KEYSTORE_KEY_FILE.",

  "change.again": "Ein anderes Gerät hat das Profil zuerst geändert; neuer Versuch ({attempt} von {attempts}).",
  "change.clock":
    "Nach der Uhr dieses Rechners sind diese Geräte abgelaufen, sie weicht aber um {minutes} Minuten von der des Portals ab: {names}.",
  "change.clock.hint": "Nichts wurde geändert. Stellen Sie die Uhr und versuchen Sie es noch einmal.",
  "change.busy": "Andere Geräte ändern das Profil immer wieder zur gleichen Zeit.",
  "change.busy.hint": "Versuchen Sie es gleich noch einmal.",
  "change.not-everywhere": "Warnung: {account} konnte nicht auf den neuesten Stand gebracht werden: {reason}",
  "change.unexpected": "unerwarteter Fehler",
  "change.portal-behind": "Das Portal {portal} hat die neueste Version des Profils noch nicht.",
  "change.portal-behind.hint": "Bringen Sie es zuerst auf den neuesten Stand: meshman account create {account}",

  "profile.none": "Auf diesem Gerät gibt es noch kein Profil.",
  "profile.none.hint": "`meshman setup` fragt nach allem Nötigen, oder verwenden Sie `meshman profile create`.",
  "profile.unknown": "Ein Profil {name} gibt es hier nicht.",
  "profile.unknown.hint": "`meshman profile list` zeigt die Profile.",
  "profile.no-version": "Dieses Gerät hat noch keine Version des Profils.",
  "profile.no-version.hint": "`meshman device status` holt sie, sobald das Gerät verbunden ist.",
  "profile.kept-another": "Das gespeicherte Profil gehört einer anderen Person.",
  "profile.deleted-meanwhile": "Das Profil wurde inzwischen gelöscht.",
  "profile.was-revoked": "Das Profil {profile} wurde von seinem Inhaber widerrufen ({time}).",
  "profile.was-revoked.hint":
    "Nichts davon ist mehr gültig. Legen Sie mit `meshman profile create` ein neues Profil an.",
  "profile.go-on-question": "{reason} Ohne Nachweis fortfahren?",
  "profile.shows-known": "Warnung: {reason} Gezeigt wird, was dieses Gerät weiß.",
  "profile.exists": "Hier gibt es schon ein Profil namens {name}.",
  "profile.exists.hint":
    "Wählen Sie mit --name einen anderen Namen, oder verwenden Sie es: meshman profile show --profile NAME",
  "profile.next": "Als Nächstes: meshman account create ADDRESS",
  "profile.list-empty": "Hier gibt es noch kein Profil. `meshman setup` legt eines an.",
  "profile.is-default": "{name} ist jetzt das Standardprofil.",
  "profile.version-with-gap": "{version}, mit einer Lücke davor",
  "profile.device-administrator": "{name} (Verwaltungsgerät)",
  "profile.device-unconnected": "nicht verbunden",
  "profile.account-at": "{account} auf {portal}",
  "profile.list-more": "{list}, {next}",
  "profile.connect-another": "Um ein weiteres Gerät zu verbinden, geben Sie dort ein:",
  "profile.account-behind":
    "Warnung: {account} wurde noch nicht auf den neuesten Stand gebracht; siehe `meshman status`.",
  "profile.verified": "Das Profil ist das, was sein Hauptschlüssel bezeugt.",
  "profile.devices": {
    one: "{devices}, davon {count} Verwaltungsgerät",
    other: "{devices}, davon {count} Verwaltungsgeräte",
  },
  "profile.seen-nowhere": "auf keinem Portal: Dies ist die hier gespeicherte Version",
  "profile.no-format": "Ein Format {format} gibt es nicht.",
  "profile.no-format.hint": "Verwenden Sie --format json oder --format pem.",
  "profile.note-needs-master":
    "Die Widerrufserklärung wird mit dem Hauptschlüssel signiert, und der ist nicht auf diesem Gerät.",
  "profile.note-needs-master.hint":
    "Holen Sie ihn mit `meshman escrow recover` zurück, auf dieses oder ein anderes Gerät.",
  "profile.note-written": "Die Widerrufserklärung ist in {path}.",
  "profile.note-advice":
    "Wer sie hat, kann das Profil endgültig beenden. Bewahren Sie sie deshalb getrennt vom Gerät und für andere unzugänglich auf.",
  "profile.no-note": "Die Datei {path} enthält keine Widerrufserklärung.",
  "profile.place-unknown": "Es ist nicht bekannt, wo das Profil veröffentlicht ist.",
  "profile.place-unknown.hint": "Geben Sie mit --account ADDRESS eines seiner Konten an.",
  "profile.revoke-question": "Das Profil {profile} endgültig beenden? Das lässt sich nicht rückgängig machen.",
  "profile.notes-not-kept": "Das Portal {portal} bewahrt keine Widerrufserklärungen auf.",
  "profile.notes-not-kept.hint":
    "Löschen Sie stattdessen das Konto dort, und sagen Sie es den Leuten, die sich auf das Profil verlassen.",
  "profile.revoke-failed": "Warnung: {reason}",
  "profile.revoked": "Das Profil {profile} ist widerrufen. Nichts davon ist mehr gültig.",
  "profile.delete-unconfirmed": "Das Löschen des Profils {name} entfernt seine Schlüssel endgültig von diesem Gerät.",
  "profile.delete-unconfirmed.hint": "Bestätigen Sie es mit dem Namen: --confirm {name}",
  "profile.deleted":
    "Die Schlüssel von {name} sind von diesem Gerät entfernt. Konten und andere Geräte des Profils sind unverändert.",

  "account.none": "Das Profil {name} hat noch kein Konto.",
  "account.none.hint": "Legen Sie mit `meshman account create ADDRESS` eines an.",
  "account.none-such": "Das Profil hat kein solches Konto.",
  "account.unknown": "Kein Profil auf diesem Gerät hat das Konto {account}.",
  "account.unknown.hint": "`meshman account list` zeigt die Konten.",
  "account.not-of-profile": "Das Profil {name} hat kein Konto {account}.",
  "account.not-at-portal": "Das Portal {portal} hat kein Konto {account}.",
  "account.not-at-portal.hint":
    "Wurde es gelöscht? `meshman account create` legt es neu an, auf diesem oder einem anderen Portal.",
  "account.not-looked-at": "Warnung: {account} wurde nicht angesehen: {reason}",
  "account.no-domain": "In der Kontoadresse fehlt die Domain.",
  "account.no-domain.hint": "Geben Sie eine Adresse wie alice@example.com an, oder nennen Sie mit --portal ein Portal.",
  "account.bad-domain": "Die Domain in der Kontoadresse ist kein Domainname.",
  "account.bad-domain.hint": "Eine Adresse sieht aus wie alice@example.com.",
  "account.control-characters": "Ein Kontoname enthält keine Steuerzeichen.",
  "account.taken.hint": "Wählen Sie einen anderen Namen.",
  "account.no-shares":
    "Es gibt noch keine Anteile zur Wiederherstellung. Erzeugen Sie welche mit: meshman escrow split --shares 3 --threshold 2",
  "account.goes-on": "Warnung: {reason} Es geht weiter mit dem, was dieses Gerät weiß.",
  "account.list-empty": "Es gibt noch kein Konto. `meshman account create` legt eines an.",
  "account.status-open": "offen",
  "account.status-closed": "geschlossen",
  "account.status-suspended": "gesperrt",
  "account.status-unknown": "unbekannt",
  "account.delete-unconfirmed":
    "Das Löschen von {account} lässt sich nicht rückgängig machen, und der Name kann nicht wieder verwendet werden.",
  "account.delete-unconfirmed.hint": "Bestätigen Sie es mit der Adresse: --confirm {account}",
  "account.deleted": "Das Konto {account} ist gelöscht. Das Profil und seine Geräte sind unverändert.",

  "device.not-connected-yet": "Dieses Gerät ist noch nicht verbunden.",
  "device.not-connected": "Dieses Gerät ist nicht oder nicht mehr mit dem Profil verbunden.",
  "device.recovery-unfinished.hint":
    "Bringen Sie die Wiederherstellung zu Ende: Führen Sie `meshman escrow recover` noch einmal aus.",
  "device.not-connected-yet.hint": "`meshman device status` zeigt, wie es um die Anfrage steht.",
  "device.not-connected.hint":
    "Verbinden Sie es mit `meshman device connect` neu, oder stellen Sie das Profil mit `meshman escrow recover` wieder her (mit --new-epoch, wenn der Hauptschlüssel auf diesem Gerät ist).",
  "device.not-administrator": "Dieses Gerät ist kein Verwaltungsgerät des Profils.",
  "device.not-administrator.hint":
    "Tun Sie dies auf einem Verwaltungsgerät; `meshman device list` zeigt, welche Geräte das sind.",
  "device.never-asked": "Dieses Gerät hat nie angefragt, verbunden zu werden.",
  "device.never-asked.hint": "Fragen Sie mit `meshman device connect ADDRESS` an.",
  "device.status-pending": "ausstehend",
  "device.status-accepted": "angenommen",
  "device.status-refused": "abgelehnt",
  "device.status-expired": "abgelaufen",
  "device.status-removed": "entfernt",
  "device.code-is": "Prüfcode: {code}",
  "device.complete-with": "Auf einem Verwaltungsgerät: meshman device complete {code}",
  "device.complete-there": "Geben Sie auf einem Verwaltungsgerät ein:",
  "device.then-status": "Sehen Sie danach hier nach: meshman device status",
  "device.account-nowhere.hint": "Prüfen Sie die Adresse, oder geben Sie das Portal mit --portal an.",
  "device.account-not-claimed":
    "Das Profil, das vom Portal gezeigt wird, beansprucht das Konto {account} nicht für sich.",
  "device.profile-revoked": "Das Profil wurde von seinem Inhaber widerrufen.",
  "device.other-fingerprint": "Das Konto {account} zeigt ein Profil mit einem anderen Fingerabdruck.",
  "device.other-fingerprint.hint":
    "Vergleichen Sie ihn mit `meshman profile show` auf dem Verwaltungsgerät. Wenn er dort stimmt, lügt das Portal.",
  "device.what-fingerprint": "Der Fingerabdruck des Profils",
  "device.what-fingerprint.hint": "Verwenden Sie --expect-fingerprint UDF, --pin-file FILE oder --trust-on-first-use.",
  "device.ask-fingerprint":
    "Fingerabdruck des Profils, wie ihn das Verwaltungsgerät zeigt (mindestens {minimum} Zeichen), oder die PIN einer Einladung",
  "device.wrong-fingerprint": "Das ist nicht der Fingerabdruck des Profils, welches das Portal zeigt.",
  "device.what-code": "Der Prüfcode des neuen Geräts",
  "device.what-code.hint": "Geben Sie den Code als Argument an.",
  "device.ask-code": "Prüfcode, wie ihn das neue Gerät zeigt",
  "device.wrong-code": "Das ist kein Prüfcode.",
  "device.refuse-or-admin": "Ein Gerät wird entweder abgelehnt oder zum Verwaltungsgerät gemacht.",
  "device.code-unknown": "Kein Gerät mit diesem Code wartet.",
  "device.code-unknown.hint":
    "`meshman device pending` zeigt, welche Geräte warten. Eine Anfrage läuft nach 24 Stunden ab.",
  "device.connected-already": "Das Gerät ist schon verbunden.",
  "device.connected-already.hint": "Entfernen Sie es mit `meshman device remove`.",
  "device.list-empty": "Keine Geräte.",
  "device.none-waiting": "Kein Gerät wartet.",
  "device.compare-code": "Vergleichen Sie den Code mit dem auf dem Gerät, dann: meshman device complete CODE",
  "device.removes-itself": "Ein Gerät kann sich nicht selbst entfernen.",
  "device.removes-itself.hint":
    "Tun Sie es auf einem anderen Verwaltungsgerät. `meshman profile delete` entfernt die Schlüssel dieses Geräts.",
};
