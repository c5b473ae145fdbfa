import type { Wording } from "../catalogue.js";
import type { cli as english } from "../en/cli.js";

export const cli: Wording<typeof english> = {
  interrupted: "Unterbrochen.",

  "output.error": "Fehler:",
  "output.hint": "Hinweis:",
  "output.reader-gone": "Der Empfänger der Ausgabe ist weggefallen, bevor alles geschrieben war.",
  "output.unwritable": "Die Ausgabe kann nicht geschrieben werden: {reason}.",
  "output.unexpected": "Es ist etwas schiefgegangen, was nicht hätte geschehen dürfen.",
  "output.unexpected.hint": "Bitte melden Sie es, mit dem, was Sie eingegeben haben. `--verbose` zeigt mehr.",

  "input.option-invalid": "{text} kann nicht bei {option} stehen.",
  "input.required": "{what} wird benötigt, und es gibt kein Terminal, an dem danach gefragt werden kann.",
  "input.required.hint": "Verwenden Sie {option}.",
  "ask.hidden": "[Eingabe wird nicht angezeigt]",
  "ask.yes": "ja",
  "ask.no": "nein",
  "ask.other": "Antworten Sie mit {yes} oder {no}.",
  "ask.keys": "↑↓ wählen, ⏎ übernehmen",
  "input.confirmation": "Eine Bestätigung",
  "input.nothing-changed": "Es wurde nichts geändert.",

  "name.profile-empty": "Der Name des Profils ist leer.",
  "name.profile-long": "Der Name des Profils hat mehr als {maximum} Zeichen.",
  "name.profile-unprintable": "Der Name des Profils enthält Zeichen, die sich nicht anzeigen lassen.",
  "name.profile-udf": "Der Name des Profils sieht aus wie ein UDF.",
  "name.device-empty": "Der Name des Geräts ist leer.",
  "name.device-long": "Der Name des Geräts hat mehr als {maximum} Zeichen.",
  "name.device-unprintable": "Der Name des Geräts enthält Zeichen, die sich nicht anzeigen lassen.",
  "name.device-udf": "Der Name des Geräts sieht aus wie ein UDF.",

  "file.unreadable": "Die Datei {path} kann nicht gelesen werden.",
  "file.unreadable.hint": "Prüfen Sie den Pfad, und ob Sie die Datei lesen dürfen.",
  "file.device": "{path} ist ein Gerät des Systems, das vielleicht nie endet.",
  "file.device.hint": "Nennen Sie eine Datei, oder `-` für die Standardeingabe.",
  "file.too-large": "Die Datei {path} ist zu groß.",
  "file.shared": "Warnung: Andere können {path} lesen.",
  "file.descriptor-unreadable": "Vom Dateideskriptor {fd} kann nicht gelesen werden.",
  "file.descriptor-unreadable.hint":
    "Geben Sie ihn dem Programm mit, wie eine Shell mit {fd}<DATEI, und nennen Sie ihn nur in einer Option.",
  "file.descriptor-long": "Vom Dateideskriptor {fd} kommt mehr als ein Geheimnis.",
  "file.path-unusable": "Der Pfad {path} kann nicht verwendet werden: {reason}.",
  "file.path-unusable-somehow": "Der Pfad {path} kann nicht verwendet werden.",
  "file.path-empty": "Der Pfad der Datei, die geschrieben werden soll, ist leer.",
  "file.exists": "Die Datei {path} gibt es schon.",
  "file.exists.hint": "Geben Sie eine andere an, oder verschieben Sie die vorhandene.",
  "file.folder-missing": "Den Ordner von {path} gibt es nicht.",
  "file.folder-missing.hint": "Legen Sie ihn zuerst an.",

  "udf.too-large": "Die Eingabe ist größer als 256 MiB.",
  "udf.content-type": "Der angegebene Inhaltstyp ist kein Medientyp.",

  "verify.ok": "ok",
  "verify.bad": "UNGÜLTIG",
  "verify.no-records": "Keine signierten Datensätze.",
  "verify.all-good": {
    one: "{count} Signatur geprüft, sie ist gültig.",
    other: "{count} Signaturen geprüft, alle sind gültig.",
  },
  "verify.some-bad": {
    one: "{count} Signatur geprüft, davon {bad} ungültig.",
    other: "{count} Signaturen geprüft, davon {bad} ungültig.",
  },

  "status.no-profile": "Auf diesem Gerät gibt es noch kein Profil. `meshman setup` legt eines an.",
  "status.not-connected": "nicht verbunden",
  "status.account": "{account} auf {portal}",
  "status.no-account": "noch keines: meshman account create ADDRESS",
  "status.passphrase": "Passphrase",
  "status.unlocked": "{protection}, noch {time} entsperrt",
  "status.key-file": "Schlüsseldatei",
  "status.keyring": "Schlüsselbund des Systems",
  "status.key": "Schlüssel, der bei jedem Gebrauch angegeben wird",
  "status.master-here": "auf diesem Gerät",
  "status.master-elsewhere": "nicht auf diesem Gerät",
  "status.recovery": "mit beliebigen {threshold} von {shares} Anteilen",
  "status.recovery-some": "mit beliebigen {threshold} der Anteile",
  "status.no-shares": "noch keine Anteile: meshman escrow split --shares 3 --threshold 2",
  "status.recovery-unknown": "hier nicht bekannt",

  "keystore-status.none": "In {folder} gibt es noch keinen Schlüsselspeicher.",
  "keystore-status.passphrase":
    "Passphrase, nach der jeder Befehl fragt, der einen Schlüssel braucht, solange der Speicher gesperrt ist",
  "keystore-status.key-file": "Schlüsseldatei",
  "keystore-status.keyring": "Schlüsselbund des Systems, und eine Passphrase, wenn er nicht antwortet",
  "keystore-status.key": "Schlüssel, der bei jedem Gebrauch angegeben wird: --keystore-key-file, --keystore-key-fd",
  "keystore-status.no-keys": "Er enthält keine Schlüssel.",

  "keystore-status.agent": "noch {time} entsperrt",
  "keystore-status.no-agent": "keiner; `meshman keystore unlock` startet einen",

  "unlock.until": "Der Schlüsselspeicher ist für {time} entsperrt, bis {expires}.",
  "unlock.not-needed":
    "Der Schlüsselspeicher öffnet sich mit der Schlüsseldatei daneben: Es gibt nichts zu entsperren.",
  "lock.locked": "Der Schlüsselspeicher ist gesperrt.",
  "lock.not-possible": "Der Schlüsselspeicher öffnet sich mit der Schlüsseldatei daneben: Er ist nie gesperrt.",
  "lock.none": "In {folder} gibt es keinen Schlüsselspeicher.",
  "lock.silent": "Der Agent hat nicht geantwortet. Niemand kann ihn mehr fragen, und er endet, sobald er wieder läuft.",

  "duration.invalid": "{text} ist keine Dauer.",
  "duration.invalid.hint": "Schreiben Sie eine Zahl und eine Einheit: 90s, 15m, 8h oder 2d.",
  "duration.range": "Die Dauer {text} liegt nicht zwischen {minimum} und {maximum}.",

  "check.good": "Alles ist, wie es sein soll.",
  "check.some-bad": "Etwas stimmt nicht; siehe oben.",
  "check.key": "{use}-Schlüssel",
  "check.pins": "Vermerke zu Profilen und Portalen",
  "check.profile": "Profil {name}",
  "check.profile-unknown": "Profil",

  "protect.method-unknown": "Einen Schutz {method} gibt es nicht.",
  "protect.method-unknown.hint": "Möglich sind: {methods}.",
  "protect.not-for": "Die Option {option} gibt es nicht zusammen mit dem Schutz {method}.",
  "protect.path-not-for": "Zum Schutz {method} gehört kein Pfad.",
  "protect.path-empty": "Der Pfad der Schlüsseldatei ist leer.",
  "protect.given-twice":
    "Geben Sie ein neues Geheimnis nur auf einem Weg an: in einer Datei oder über einen Deskriptor.",
  "protect.passphrase-needed.hint": "Verwenden Sie --new-passphrase-file oder --new-passphrase-fd.",
  "protect.key-needed": "Der neue Schlüssel muss angegeben werden: Nach ihm wird nicht gefragt.",
  "protect.key-needed.hint":
    "Verwenden Sie --new-key-file oder --new-key-fd. `head -c 32 /dev/urandom | base64` erzeugt einen Schlüssel.",
  "protect.keyring.hint":
    "Wählen Sie einen anderen Schutz: `meshman keystore protect passphrase`, oder key-file oder key an dessen Stelle.",

  "passwd.given-twice":
    "Geben Sie die neue Passphrase nur auf einem Weg an: in einer Datei, über einen Deskriptor oder gar keine.",
  "passwd.needed.hint": "Verwenden Sie --new-passphrase-file, --new-passphrase-fd oder --no-passphrase.",

  "hello.url-needed": "Die URL des Portals",
  "hello.url-needed.hint": "Geben Sie sie als Argument oder mit --portal URL an.",

  "share.needed":
    "Anteile des Hinterlegungsschlüssels werden benötigt, und es gibt kein Terminal, an dem danach gefragt werden kann.",
  "share.needed.hint": "Verwenden Sie --share-file, oder geben Sie auf der Standardeingabe je Zeile einen Anteil.",
  "share.question": "Anteil {index}",
  "share.question-of": "Anteil {index} von {threshold}",
  "share.invalid": "Das ist kein Anteil.",
  "share.other-profile": "Die Anteile bringen den Hauptschlüssel eines anderen Profils zurück.",

  "master.needed": "Das ändert, welche Geräte das Profil verwalten, und der Hauptschlüssel ist nicht auf diesem Gerät.",
  "master.needed.hint":
    "Geben Sie genügend Anteile mit --share-file FILE an (einmal je Anteil), oder holen Sie den Hauptschlüssel mit `meshman escrow recover` zurück.",

  "escrow.no-entry": "Kein Portal hat den Hinterlegungseintrag {identifier}.",
  "escrow.no-entry.hint": "Geben Sie die Datei an, die neben die Anteile geschrieben wurde: --entry-file entry.json",
  "escrow.place-needed": "Eine Quelle für den Hinterlegungseintrag",
  "escrow.place-needed.hint": "Verwenden Sie --account, --portal oder --entry-file.",
  "escrow.portal-away": "Warnung: {reason}",
  "escrow.other-account": "Das Konto {account} gehört nicht zu dem Profil, das die Anteile zurückbringen.",
  "escrow.other-account.hint": "Prüfen Sie die Adresse, oder nehmen Sie die Anteile des richtigen Profils.",
  "escrow.other-profile": "Die Anteile bringen ein anderes Profil zurück als das erwartete.",
  "escrow.shares-work": "Die Anteile funktionieren: Sie bringen die Hauptschlüssel zurück.",

  "split.folder-shared": "Warnung: Andere haben Einblick in {folder}.",
  "split.no-master": "Der Hauptschlüssel ist nicht mehr auf diesem Gerät und kann deshalb nicht aufgeteilt werden.",
  "split.no-master.hint":
    "Holen Sie ihn mit `meshman escrow recover` aus früheren Anteilen zurück, und teilen Sie ihn dann noch einmal auf.",
  "split.threshold": "beliebige {threshold} von {shares} Anteilen bringen das Profil zurück",
  "split.share": "Anteil {index}:",
  "split.entry":
    "Der Hinterlegungseintrag, der verschlüsselt ist. Bewahren Sie eine Kopie davon in einer Datei auf, für --entry-file, falls das Portal seine verliert:",
  "split.master-erased":
    "Der Hauptschlüssel ist von diesem Gerät gelöscht. Bewahren Sie die Anteile an verschiedenen Orten auf.",
  "split.master-kept":
    "Der Hauptschlüssel ist noch auf diesem Gerät; --erase-master entfernt ihn. Bewahren Sie die Anteile an verschiedenen Orten auf.",
  "split.other-entry": "Das Portal liefert einen anderen Hinterlegungseintrag aus.",
  "split.no-copy": "Warnung: {account} hat keine Kopie des Hinterlegungseintrags. {reason}",
  "split.no-account": "Das Profil hat kein Konto.",
  "split.not-proven": "Die Anteile ergeben nicht wieder den Schlüssel.",
  "split.folder-empty": "Der Pfad des Ordners für die Anteile ist leer.",
  "split.no-folder": "{path} ist kein Ordner.",
  "split.file-exists": "Die Datei {path} gibt es schon.",
  "split.file-exists.hint":
    "Geben Sie einen anderen Ordner an, oder verschieben Sie diese Dateien. Alte Anteile funktionieren weiter.",
  "split.file-title":
    "meshman: Anteil {index} von {shares} zur Wiederherstellung; beliebige {threshold} davon bringen das Profil zurück",
  "split.file-command": "mit: meshman escrow recover --share-file FILE --share-file FILE",

  "recover.master-back": "Die Hauptschlüssel sind wieder auf diesem Gerät. Sonst hat sich nichts geändert.",
  "recover.profile-back": "Das Profil ist zurück. Dieses Gerät ist jetzt sein einziges Verwaltungsgerät.",
  "recover.not-published": "{accounts}: `meshman status` sagt, wie es weitergeht",
  "recover.others":
    "Diese Geräte sind noch verbunden, verwalten aber nichts mehr. Entfernen Sie, was Sie verloren haben:",
  "recover.name-taken": "Hier gibt es schon ein Profil namens {name}.",
  "recover.name-taken.hint": "Wählen Sie mit --name einen anderen Namen.",
  "recover.left-out": "Warnung: {url} wird ausgelassen: {reason}",

  "setup.no-terminal": "Das Einrichten stellt Fragen, und es gibt kein Terminal dafür.",
  "setup.no-terminal.hint":
    "Verwenden Sie in einem Skript `meshman profile create`, `meshman account create` und `meshman escrow split`.",
  "setup.another": "Auf diesem Gerät gibt es schon ein Profil: {names}. Dies legt ein weiteres an.",
  "setup.profile-name": "Name des Profils auf diesem Gerät",
  "setup.name-taken": "Ein Profil dieses Namens gibt es schon.",
  "setup.name-invalid": "Das ist kein Name.",
  "setup.device-name": "Name dieses Geräts, den andere sehen können",
  "setup.passphrase": "Die Passphrase schützt die Schlüssel auf diesem Gerät.",
  "setup.place": "Wo soll das Profil veröffentlicht werden?",
  "setup.place-address": "Auf einem Portal im Netz: Ich weiß schon, welche Adresse ich möchte",
  "setup.place-local": "Nur auf diesem Rechner, zum Ausprobieren",
  "setup.place-later": "Vorerst nirgends",
  "setup.address": "Adresse, zum Beispiel alice@example.com",
  "setup.account-name": "Name des Kontos",
  "setup.address-invalid": "Das ist keine Adresse.",
  "setup.account-failed": "Das Konto konnte nicht angelegt werden: {reason}",
  "setup.account-again":
    "Das Profil ist trotzdem vorhanden. Versuchen Sie es noch einmal mit: meshman account create ADDRESS",
  "setup.shares":
    "Jetzt Anteile zur Wiederherstellung erzeugen? Beliebige 2 von 3 bringen das Profil zurück, wenn alle Geräte verloren sind.",
  "setup.shares-folder": "Ordner, in den die Anteile geschrieben werden (gut geeignet ist ein Wechseldatenträger)",
  "setup.folder-needed": "Ein Ordner wird benötigt.",
  "setup.erase": "Danach den Hauptschlüssel von diesem Gerät löschen? Dann steckt er nur noch in den Anteilen.",
  "setup.shares-failed": "Die Anteile konnten nicht erzeugt werden: {reason}",
  "setup.shares-again": "Versuchen Sie es noch einmal mit: meshman escrow split --shares 3 --threshold 2 --out FOLDER",
  "setup.note":
    "Eine Widerrufserklärung schreiben? Wer sie hat, kann das Profil endgültig beenden, falls seine Schlüssel gestohlen werden.",
  "setup.note-file": "Datei, in die sie geschrieben wird",
  "setup.note-failed": "Die Widerrufserklärung konnte nicht geschrieben werden: {reason}",
  "setup.note-again": "Versuchen Sie es noch einmal mit: meshman profile revocation --out FILE",

  "quickstart.unexpected": "Das war nicht erwartet: `{command}` endete mit dem Status {status}.",
  "quickstart.unexpected.hint": "Führen Sie `meshman quickstart --keep` aus, und sehen Sie sich die Dateien an.",
  "quickstart.portal-failed": "Das Portal ist nicht gestartet. {reason}",
  "quickstart.portal-status": "Das Portal endete mit dem Status {status}, als es anhalten sollte.",
  "quickstart.portal-stopped": "Das Portal sollte anhalten und hat angehalten.",
  "quickstart.files": "Die Dateien sind in {folder}.",
  "quickstart.shown":
    "Gezeigt wurden: ein Konto, eine Hinterlegung mit 2 von 3 Anteilen, ein zweites Gerät, das verbunden und entfernt wurde, eine Wiederherstellung aus zwei Anteilen und ein verlorenes Verwaltungsgerät, das nichts mehr bestimmt. {seconds} s.",
  "quickstart.portal": "Ein Portal, dem niemand vertrauen muss",
  "quickstart.profile": "Alice legt auf ihrem Laptop ein Profil an, und ein Konto dafür",
  "quickstart.split":
    "Sie teilt den Hinterlegungsschlüssel auf, beliebige 2 von 3 genügen, und löscht den Hauptschlüssel vom Laptop",
  "quickstart.connect": "Ihr Telefon will verbunden werden. Es muss wissen, welches Profil es erwarten soll",
  "quickstart.complete": "Sie macht es zum Verwaltungsgerät. Das erfordert den Hauptschlüssel, also zwei Anteile",
  "quickstart.remove": "Sie entfernt das Telefon wieder, mit zwei Anteilen, und das Telefon erfährt davon",
  "quickstart.recover": "Der Laptop ist verloren. Auf einem neuen Rechner bringen zwei Anteile das Profil zurück",
  "quickstart.thief": "Wer den Laptop hat, hat seine Schlüssel, aber der Laptop verwaltet nichts mehr",
  "quickstart.verify": "Was das Portal zeigt, wird bis hinunter zum Hauptschlüssel geprüft",
};
