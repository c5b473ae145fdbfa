import type { Wording } from "../catalogue.js";
import type { portal as english } from "../en/portal.js";

export const portal: Wording<typeof english> = {
  "portal.done": "Der Vorgang war erfolgreich.",
  "portal.with-hint": "{text} {hint}",

  "portal.failed":
    "Im Portal ist ein Fehler aufgetreten. Versuchen Sie es später noch einmal, oder melden Sie es dem Betreiber des Portals.",
  "portal.damaged": "Die Datenbank des Portals ist beschädigt. Der Betreiber des Portals muss sie wiederherstellen.",
  "portal.busy": "Das Portal ist beschäftigt. Versuchen Sie es gleich noch einmal.",
  "portal.unwritable":
    "Das Portal kann zurzeit nicht in seine Datenbank schreiben. Versuchen Sie es später noch einmal, oder melden Sie es dem Betreiber des Portals.",

  "portal.host-unknown":
    "Dieses Portal heißt nicht so, wie es im Header Host steht. Verwenden Sie die Adresse, die Sie von seinem Betreiber haben.",
  "portal.path-unknown": "Hier ist nichts. Das Mesh-Portal ist unter {path} zu finden.",
  "portal.method-wrong": "Senden Sie Mesh-Anfragen mit POST.",
  "portal.request-large": "Eine Anfrage hat höchstens {octets} Bytes.",
  "portal.record-large": "Ein Datensatz hat höchstens {octets} Bytes.",
  "portal.request-form": "Eine Anfrage ist ein JSON-Objekt mit genau einem Element, zum Beispiel {example}.",
  "portal.transaction-unknown": "Dieses Portal kennt keine Transaktion namens {name}.",
  "portal.transaction-form": "Eine Transaktion {transaction} enthält genau ein Element namens {member}.",
  "portal.message-form": "Die Nachricht {name} ist kein Objekt.",
  "portal.what-message": "Die Nachricht {name}",
  "portal.rate": "Zu viele Anfragen. Versuchen Sie es später noch einmal.",
  "portal.page-key": "Diesen PageKey hat das Portal nicht für eine solche Anfrage vergeben.",
  "portal.max-entries": "MaxEntries muss mindestens 1 sein.",

  "portal.signature-needed":
    "Diese Anfrage muss mit dem Authentifizierungsschlüssel eines Geräts signiert sein (RFC 9421).",
  "portal.signature-wrong":
    "Die Anfrage ist nicht mit dem Authentifizierungsschlüssel eines Geräts signiert, das sie stellen darf.",
  "portal.signature-foreign": "Die Anfrage ist nicht von einem Gerät des beigefügten Profils signiert.",
  "portal.nonce-used":
    "Die Nonce dieser Anfrage wurde schon mit anderem Inhalt verwendet. Signieren Sie mit einer neuen Nonce.",

  "portal.account-unknown": "Dieses Konto gibt es auf diesem Portal nicht.",
  "portal.account-deleted": "Das Konto wurde gelöscht.",
  "portal.account-suspended": "Das Konto ist gesperrt. Wenden Sie sich an den Betreiber des Portals.",
  "portal.account-other-suspended":
    "Ein anderes Konto des Profils ist gesperrt. Wenden Sie sich an den Betreiber des Portals.",
  "portal.account-delete-right": "Nur ein Verwaltungsgerät des Profils, zu dem das Konto gehört, darf es löschen.",
  "portal.account-domain": "Dieses Portal bedient die Domain dieses Kontos nicht.",
  "portal.account-profile-type": "Ein Konto wird für ein SignedPersonalProfile angelegt.",
  "portal.account-taken": "Der Kontoname ist schon vergeben.",
  "portal.account-gone": "Das Konto wurde gelöscht, und sein Name wird nicht wieder vergeben.",
  "portal.account-reserved":
    "Der Kontoname ist für jemand anderen reserviert. Versuchen Sie es in zehn Minuten noch einmal.",
  "portal.account-quota": {
    one: "Ein Profil hat auf diesem Portal höchstens {count} Konto, gelöschte mitgezählt.",
    other: "Ein Profil hat auf diesem Portal höchstens {count} Konten, gelöschte mitgezählt.",
  },

  "portal.reason.empty": "Der Kontoname ist leer.",
  "portal.reason.long": "Der Kontoname hat mehr als 64 Zeichen.",
  "portal.reason.characters": "Der Kontoname enthält Zeichen, die nicht erlaubt sind.",
  "portal.reason.dots": "Der Kontoname beginnt oder endet mit einem Punkt oder enthält zwei Punkte hintereinander.",
  "portal.reason.domain": "Was hinter dem @ steht, ist kein Domainname.",
  "portal.reason.foreign": "Dieses Portal bedient diese Domain nicht.",
  "portal.reason.taken": "Der Kontoname ist schon vergeben.",
  "portal.reason.deleted": "Ein Konto dieses Namens wurde gelöscht, und der Name wird nicht wieder vergeben.",
  "portal.reason.reserved": "Der Kontoname ist für einige Minuten für jemand anderen reserviert.",

  "portal.profile-revoked": "Das Profil wurde von seinem Inhaber widerrufen.",
  "portal.profile-version":
    "Das Profil hat hier die Version {version}, und das Gesendete folgt nicht unmittelbar darauf. Holen Sie die aktuelle Version, und machen Sie die Änderung noch einmal.",
  "portal.owner-accountless":
    "Das Profil, zu dem der Datensatz gehört, hat auf diesem Portal kein Konto. Legen Sie zuerst eines an.",
  "portal.owner-unknown": "Das Profil, zu dem der Datensatz gehört, ist auf diesem Portal nicht bekannt.",
  "portal.application-taken": "Die Kennung gehört zu einem anderen Anwendungsprofil.",
  "portal.application-version":
    "Das Anwendungsprofil hat hier die Version {version}, und das Gesendete folgt nicht unmittelbar darauf. Holen Sie die aktuelle Version, und machen Sie die Änderung noch einmal.",
  "portal.identifier-taken": "Ein Datensatz eines anderen Typs hat schon diese Kennung.",
  "portal.device-lapsed":
    "Dieses Gerät ist abgelaufen: Die Frist, die ihm auf einem Verwaltungsgerät gesetzt wurde, ist vorbei. Verlängern Sie sie auf einem Verwaltungsgerät.",
  "portal.device-unlisted": "Kein Profil auf diesem Portal enthält dieses Gerät.",
  "portal.device-otherwise": "Das Profil enthält dieses Gerät mit einem anderen Geräteprofil.",
  "portal.device-unchanging": "Das Profil eines Geräts ändert sich nie.",
  "portal.escrow-right":
    "Nur ein Verwaltungsgerät eines Profils, das hier ein Konto hat, darf diesen Eintrag veröffentlichen.",
  "portal.escrow-taken":
    "Ein Hinterlegungseintrag ändert sich nie, und mit dieser Kennung gibt es schon einen anderen.",
  "portal.revocation-form":
    "Ein Masterprofil wird in einem persönlichen Profil veröffentlicht. Für sich allein wird nur eine Widerrufserklärung veröffentlicht.",
  "portal.revocation-unknown": "Das Profil, das diese Erklärung widerruft, ist auf diesem Portal nicht bekannt.",
  "portal.revocation-other": "Das Profil wurde schon durch eine andere Widerrufserklärung beendet.",
  "portal.quota-octets":
    "Die Datensätze des Profils belegen schon alle {octets} Bytes, die dieses Portal dafür bereithält.",
  "portal.quota-records": {
    one: "Das Profil hat auf diesem Portal die Grenze von {count} Datensatz erreicht.",
    other: "Das Profil hat auf diesem Portal die Grenze von {count} Datensätzen erreicht.",
  },

  "portal.record-unknown": "Diesen Datensatz gibt es auf diesem Portal nicht.",
  "portal.key-values": "Die Schlüssel von KeyValues sind Name und Type.",
  "portal.get-what": "Geben Sie mit Account, Identifier oder KeyValues an, was Sie suchen.",
  "portal.log-closed": "Dieses Portal gibt sein Protokoll an niemanden heraus.",
  "portal.log-right": "Das Protokoll wird nur an berechtigte Portale herausgegeben.",
  "portal.log-after": "After muss eine Transaktionskennung sein, zum Beispiel TID:7.",

  // Das Protokoll.
  "portal.tree-damaged": "Der Merkle-Baum des Portals ist nicht der, dessen Kopf es signiert hat.",
  "portal.log-path": "Einen solchen Teil des Protokolls gibt es nicht.",
  "portal.log-method": "Das Protokoll wird mit GET gelesen.",
  "portal.log-key-read": "Die Schlüsseldatei {file} des Protokolls lässt sich nicht lesen: {code}.",
  "portal.log-key-write": "Die Schlüsseldatei {file} des Protokolls lässt sich nicht schreiben: {code}.",
  "portal.log-key-place.hint":
    "Prüfen Sie, dass es den Ordner gibt, dass der Betreiber des Portals beide benutzen darf und dass auf dem Datenträger Platz ist.",
  "portal.log-key-damaged":
    "Die Datei {file} ist beschädigt oder ist nicht die Schlüsseldatei des Protokolls eines Portals.",
  "portal.log-key-damaged.hint": "Stellen Sie sie aus einer Sicherung wieder her.",
  "portal.log-key-lost": "Die Datei {file} enthält nicht den Schlüssel, mit dem das Protokoll jetzt signiert wird.",
  "portal.log-origin-invalid": "{origin} kann nicht der Name eines Protokolls sein.",
  "portal.log-origin-invalid.hint":
    "Schreiben Sie einen Namen ohne Leerzeichen und Pluszeichen, zum Beispiel portal.example.com/log.",
  "portal.log-origin-other":
    "Das Protokoll, dessen Schlüssel in {file} stehen, heißt {origin}, und sein Name ändert sich nie.",

  "portal.connect-other-profile": "Das Konto gehört zu einem anderen Profil als dem, dem das Gerät beitreten will.",
  "portal.pending-right":
    "Nur ein Verwaltungsgerät des Profils, zu dem das Konto gehört, darf sehen, wer sich verbinden will.",
  "portal.device-not-asking": "Kein Gerät mit diesem Fingerabdruck hat angefragt, mit dem Konto verbunden zu werden.",
  "portal.device-not-waiting":
    "Kein Gerät mit diesem Fingerabdruck hat angefragt, mit dem Konto verbunden zu werden, oder seine Anfrage ist abgelaufen.",
  "portal.request-unknown":
    "Dieses Gerät hat nicht angefragt, mit dem Konto verbunden zu werden, oder seine Anfrage ist abgelaufen.",
  "portal.result-other-profile": "Das Ergebnis betrifft ein anderes Profil als das des Kontos.",
  "portal.result-given": "Die Anfrage wurde schon beantwortet, und zwar anders.",
  "portal.result-other-device":
    "Das Ergebnis betrifft nicht das Geräteprofil, das die Anfrage zeigt. Rufen Sie die Liste der Anfragen noch einmal ab.",
  "portal.result-early":
    "Das Profil enthält das Gerät noch nicht. Veröffentlichen Sie zuerst das Profil mit dem Gerät.",
  "portal.result-late": "Das Profil enthält das Gerät schon. Entfernen Sie es stattdessen aus dem Profil.",

  "portal.listen-invalid": "{text} ist keine Adresse, an der das Portal lauschen kann.",
  "portal.listen-invalid.hint": "Schreiben Sie HOST:PORT, zum Beispiel 127.0.0.1:8080 oder [::1]:8080.",
  "portal.listen-failed": "Das Portal kann nicht an {address} lauschen.",
  "portal.listen-failed.hint":
    "Prüfen Sie, ob die Adresse zu diesem Rechner gehört und ob kein anderes Programm den Port benutzt.",
  "portal.domain-invalid": "{domain} ist kein Domainname.",
  "portal.folder-failed": "Der Ordner für die Datenbank {file} des Portals kann nicht angelegt werden.",
  "portal.folder-failed.hint":
    "Geben Sie einen anderen Ort an, oder prüfen Sie, ob der übergeordnete Ordner beschreibbar ist.",
  "portal.store-locked": "Andere Programme sperren die Datenbank {file} des Portals.",
  "portal.store-locked.hint": "Versuchen Sie es gleich noch einmal.",
  "portal.store-read-only": "In die Datenbank {file} des Portals kann nicht geschrieben werden.",
  "portal.store-failed": "Die Datenbank {file} des Portals kann nicht benutzt werden: {code}.",
  "portal.store-failed.hint":
    "Prüfen Sie, ob der Ordner vorhanden und beschreibbar ist und ob auf dem Datenträger noch Platz ist.",
  "portal.store-moved":
    "Die Datenbank {file} des Portals wurde verschoben, gelöscht oder ersetzt, während sie benutzt wurde.",
  "portal.store-moved.hint":
    "Halten Sie das Portal an. Legen Sie die Datei mit denen, die zu ihr gehören, zurück, und starten Sie es wieder.",
  "portal.store-damaged": "Die Datei {file} ist beschädigt oder ist keine Datenbank eines Portals.",
  "portal.store-damaged.hint": "Stellen Sie sie aus einer Sicherung wieder her, oder geben Sie eine andere Datei an.",
  "portal.store-newer": "Die Datenbank {file} des Portals wurde von einem neueren meshman geschrieben.",
  "portal.store-newer.hint": "Aktualisieren Sie meshman auf diesem Rechner.",
  "portal.store-older": "Die Datenbank {file} des Portals wurde von einem älteren meshman geschrieben.",
  "portal.store-older.hint":
    "Halten Sie das Portal an, und kopieren Sie die Datenbank, wie sie ist. Führen Sie dann `meshman portal migrate` aus.",
  "portal.log-key-bound": "Die Schlüsseldatei {file} gehört zu einer anderen Datenbank als dieser.",
  "portal.log-key-bound.hint":
    "Stellen Sie jene Datenbank aus einer Sicherung wieder her. Für eine neue nehmen Sie zuerst die Schlüsseldatei weg.",
  "portal.log-key-missing":
    "Das Protokoll in der Datenbank {file} des Portals ist mit einem anderen Schlüssel als dem angegebenen signiert.",
  "portal.log-key-missing.hint": "Geben Sie die Datei seines jetzigen Schlüssels mit `--log-key-file` an.",
  "portal.log-key-change": "Dieser Schlüsselwechsel des Protokolls nennt nicht den nächsten Schlüssel.",
  "postgres.url-form": "Die Adresse einer Datenbank ist `postgres://USER@HOST:PORT/DATABASE`; dies ist keine.",
  "postgres.url-parameter": "Die Adresse der Datenbank hat einen unbekannten oder doppelten Parameter: {parameter}.",
  "postgres.url-sslmode": "`sslmode` ist `disable`, `no-verify` oder `verify-full`.",
  "postgres.url.hint": "Siehe `docs/operations.md`.",
  "postgres.file-unreadable": "Die Datei {file}, die in der Adresse der Datenbank steht, ist nicht lesbar.",
  "postgres.damaged":
    "Die Datenbank {database} ist beschädigt, oder ihr Schema `meshman` gehört einem anderen Programm.",
  "postgres.damaged.hint": "Stellen Sie sie aus einer Sicherung wieder her, oder geben Sie eine andere Datenbank an.",
  "postgres.encoding": "Die Datenbank speichert Text nicht als UTF-8.",
  "postgres.encoding.hint": "Legen Sie eine mit `createdb --encoding UTF8 --template template0` an.",
  "postgres.failed.hint":
    "Prüfen Sie, ob der Server läuft, diesen Benutzer zulässt und Platz hat. Ein Server ohne TLS auf einem anderen Rechner braucht `sslmode=disable`.",
  "fsck.storage": "Die Datenbank selbst meldet: {text}",
  "fsck.key": "Der Schlüssel {number} des Protokolls ist keiner, oder der Schlüssel davor nennt ihn nicht.",
  "fsck.head":
    "Der Kopf des Protokolls ist nicht mit dem jetzigen Schlüssel signiert oder sagt etwas anderes, als davon gespeichert ist.",
  "fsck.root": "Die {count} vorhandenen Blätter ergeben nicht den signierten Kopf.",
  "fsck.tile": "Die Kachel {index} der Ebene {level} ist nicht die, die die Blätter ergeben.",
  "fsck.tiles": "Es gibt {count} Kacheln; die Blätter ergeben eine andere Zahl.",
  "fsck.leaf": "Das Blatt {index} fehlt oder ist nicht lesbar.",
  "fsck.leaf-link": "Das Blatt {index} nennt nicht das Blatt desselben Bezeichners davor.",
  "fsck.leaf-order": "Das Blatt {index} hat eine Sequenz, die nicht auf die des Blattes davor folgen kann.",
  "fsck.leaf-surplus": "Zu dem Blatt {index} und denen danach steht nichts im Protokoll.",
  "fsck.item": "Der Eintrag TID:{tid} des Protokolls ist nicht lesbar.",
  "fsck.item-leaf": "Der Eintrag TID:{tid} des Protokolls ist nicht das, was sein Blatt sagt.",
  "fsck.awaited": "Dem Index fehlt, was der Eintrag TID:{tid} des Protokolls hineingeschrieben hat.",
  "fsck.record": "Der Datensatz im Eintrag TID:{tid} ist nicht das, was der Index von ihm sagt.",
  "fsck.signature": "Den Datensatz im Eintrag TID:{tid} hat niemand signiert, der es durfte.",
  "fsck.succession": "Der Datensatz im Eintrag TID:{tid} folgt nicht auf die Fassung davor.",
  "fsck.newest": "Der Index irrt darin, ob der Datensatz im Eintrag TID:{tid} die neueste Fassung ist.",
  "fsck.account": "Der Index irrt sich über das Konto im Eintrag TID:{tid}.",
  "fsck.account-surplus": "Ein Konto im Index verweist auf das Blatt {leaf}, das nicht sein neuestes ist.",
  "fsck.result": "Der Index irrt sich über das Ergebnis oder die Anfrage im Eintrag TID:{tid}.",
  "fsck.pending": "Der Index irrt sich über die Anfrage im Eintrag TID:{tid}.",
  "fsck.device": "Der Index irrt sich über die Geräte des Profils im Eintrag TID:{tid}.",
  "fsck.device-surplus": "Der Index hat Geräte eines Profils {profile}, das es nicht gibt.",
  "fsck.name": "Der Index irrt sich über die Namen des Datensatzes im Eintrag TID:{tid}.",
  "fsck.usage": "Was die Datensätze des Profils {profile} belegen, ist falsch gezählt.",
  "portal.store-unshared": "Die Datenbank {file} des Portals kann dort nicht gemeinsam benutzt werden.",
  "portal.store-unshared.hint": "Legen Sie sie auf einen lokalen Datenträger.",
  "portal.store-closed": "Die Datenbank des Portals ist geschlossen.",
  "portal.stored-profile": "Das gespeicherte Profil {udf} besteht die Prüfung nicht.",
  "portal.stored-account": "Ein Konto hat kein Profil.",
  "portal.stored-record": "Ein gespeicherter Datensatz ist beschädigt.",
};
