import type { Wording } from "../catalogue.js";
import type { invites as english } from "../en/invites.js";

export const invites: Wording<typeof english> = {
  "invite.expires": "Läuft ab",
  "invite.uses": "Geräte",
  "invite.id": "Einladung",
  "invite.pin": "PIN",
  "invite.lifetime": "Gerät läuft ab nach",
  "invite.keep-secret": "Die PIN lässt ein Gerät in das Profil: Geben Sie sie nur diesem Gerät.",
  "invite.run-there": "Auf dem neuen Gerät, das nach der PIN fragt:",
  "invite.run-there-file": "Bringen Sie die Datei auf das neue Gerät, und geben Sie dort ein:",
  "invite.run-here": "Danach hier, solange die Einladung gilt:",
  "invite.admin-here":
    "Um ein Gerät zum Verwaltungsgerät zu machen, ist der Hauptschlüssel nötig. Er ist auf diesem Gerät.",
  "invite.admin-elsewhere":
    "Um ein Gerät zum Verwaltungsgerät zu machen, ist der Hauptschlüssel nötig, und der ist nicht auf diesem Gerät: `meshman device approve` wird Anteile brauchen, die mit --share-file angegeben werden.",
  "invite.perhaps":
    "Warnung: Ob die Einladung veröffentlicht wurde, ist nicht bekannt. Ihre PIN ist in {path}; entfernen Sie diese Datei, wenn Sie eine andere Einladung erzeugen.",
  "invite.pin-twice": "Geben Sie die PIN nur auf einem Weg an: in einer Datei oder über einen Deskriptor.",
  "invite.ask-pin": "PIN der Einladung",
  "invite.other-profile": "Die PIN gilt für ein anderes Profil als das, welches das Konto {account} zeigt.",
  "invite.other-profile.hint": "Prüfen Sie die Adresse, und ob es die richtige PIN ist.",
  "invite.other-fingerprint": "Die PIN gilt für ein anderes Profil als das erwartete.",
  "invite.asks-anew":
    "Dieses Gerät hatte ohne diese PIN angefragt. Es fragt jetzt mit anderen Schlüsseln neu an; die frühere Anfrage ist hinfällig.",
  "invite.approve-with": "Auf einem Verwaltungsgerät: meshman device approve",
  "invite.approve-there": "Ein Verwaltungsgerät nimmt dieses Gerät auf mit:",

  "approve.for-without-watch": "Die Option --for gehört zu --watch.",
  "approve.no-succession":
    "Das Portal {url} stellt die Reihenfolge der Versionen nicht sicher. Eine Einladung könnte dort öfter verwendet werden, als sie angibt; deshalb wird es nicht überwacht.",
  "approve.no-succession.hint": "Führen Sie `meshman device approve` ohne --watch aus, wenn ein Gerät angefragt hat.",
  "approve.watching": "Es wird auf Geräte mit einer PIN gewartet. ^C beendet das Warten.",
  "approve.away": "Warnung: {reason} Es geht weiter, sobald das Portal zurück ist.",
  "approve.back": "Das Portal ist zurück.",
  "approve.device-in": "{name} ist verbunden ({code}).",
  "approve.device-left": "{name} wurde nicht aufgenommen ({code}): {reason}.",
  "approve.nothing": "Kein Gerät hat angefragt.",
  "approve.heading-result": "ERGEBNIS",
  "approve.connected": "verbunden",
  "approve.connected-admin": "verbunden, als Verwaltungsgerät",
  "approve.connected-replacing": "verbunden, an der Stelle des früheren Geräts",
  "approve.left": "nicht aufgenommen: {reason}",
  "approve.reason-no-proof": "es zeigt keine PIN",
  "approve.reason-expired": "es kommt zu spät",
  "approve.reason-used-up": "die Einladung ist aufgebraucht",
  "approve.reason-wrong": "sein Nachweis ist falsch",
  "approve.reason-unknown": "nichts im Profil bürgt dafür; die Einladung ist vielleicht zurückgezogen worden",
  "approve.reason-master-key-needed": "dafür ist der Hauptschlüssel nötig",
  "approve.reason-too-large": "dafür ist im Profil kein Platz",
  "approve.by-hand": "Geräte, deren Code Sie selbst verglichen haben: meshman device complete CODE",
  "approve.rotation-wrong.hint": "Lehnen Sie es ab: meshman device complete CODE --refuse",
  "approve.not-replacing":
    "Das Gerät gibt an, ein anderes zu ersetzen, aber dieses ist nicht im Profil oder ist abgelaufen. Es wurde als neues Gerät hinzugefügt.",
  "approve.left-by-code": "Ein Gerät, dessen Code verglichen wurde, wurde nicht aufgenommen.",

  "pending.heading-proof": "NACHWEIS",
  "pending.valid": "gültige PIN",
  "pending.expired": "PIN zu spät",
  "pending.used-up": "PIN aufgebraucht",
  "pending.wrong": "falsche PIN",
  "pending.unknown": "unbekannte PIN",
  "pending.replaces": "ersetzt {name}",
  "pending.replaces-expired": "will ein Gerät ersetzen, das abgelaufen ist",
  "pending.replaces-wrong": "will ein Gerät ersetzen, zu Unrecht",
  "pending.replaces-unknown": "will ein Gerät ersetzen, das es nicht gibt",
};
