/** Was `audit` in den Protokollen der Portale findet. */
export const audit = {
  "audit.no-log": "Das Portal {url} führt kein Protokoll.",
  "audit.file-wrong": "Das Portal {url} liefert {file}, und das ist nicht, was der Kopf seines Protokolls sagt.",
  "audit.leaves-disordered": "Der Eintrag {index} im Protokoll des Portals {url} folgt nicht auf den davor.",
  "audit.progress": "{done} von {size} Einträgen geprüft.",
  "audit.log-too-large":
    "Das Protokoll des Portals {url} hat {size} Einträge. So viele sieht dieses Programm nicht durch.",
  "audit.log-verified": {
    one: "Das Protokoll stimmt: Sein {count} Eintrag wurde geprüft.",
    other: "Das Protokoll stimmt: Alle {count} Einträge wurden geprüft.",
  },
  "audit.verified-before": "die ersten {count}",
  "audit.portal-said": "{portal}: {reason}",
  "audit.no-portals": "Es gibt kein Portal, das man ansehen könnte.",
  "audit.consistent": "stimmt",
  "audit.inconsistent": "STIMMT NICHT",
  "audit.not-current": "NICHT AKTUELL",
  "audit.logless": "führt kein Protokoll",
  "audit.unreachable": "nicht erreicht",
  "audit.own-disordered":
    "Im Protokoll des Portals {url} stehen Einträge über {identifier}, die nicht aufeinander folgen.",
  "audit.own-omitted":
    "Im Protokoll des Portals {url} steht ein Eintrag über {identifier}, dessen Datensatz das Portal nicht herausgibt.",
  "audit.all-own": "Im Protokoll steht nichts über Sie, was nicht dieses Gerät gemacht hat.",
  "audit.not-made-here": {
    one: "Im Protokoll steht {count} Eintrag über Sie, den dieses Gerät nicht gemacht hat.",
    other: "Im Protokoll stehen {count} Einträge über Sie, die dieses Gerät nicht gemacht hat.",
  },
  "audit.not-made-here.hint":
    "Prüfen Sie, ob Sie jeden davon kennen. Entfernen Sie ein Gerät, das Sie nicht kennen: meshman device remove NAME",
  "audit.looked-through": {
    one: "{portal}: Einträge {from} bis {size}, davon {count} über Sie",
    other: "{portal}: Einträge {from} bis {size}, davon {count} über Sie",
  },
  "audit.nobody-known": "unbekannt",
  "audit.by-portal": "das Portal",
  "audit.leaf-personal": "Profil",
  "audit.leaf-master": "Widerruf",
  "audit.leaf-device": "Geräteprofil",
  "audit.leaf-application": "Anwendungsprofil",
  "audit.leaf-escrow": "Hinterlegung",
  "audit.leaf-account": "Konto",
  "audit.leaf-result": "Antwort an ein Gerät",
  "audit.leaf-key": "Schlüssel des Protokolls",

  "audit.kind-fork": "Die Datei sagt, dass das Portal eine andere Geschichte gezeigt hat als zuvor.",
  "audit.kind-rollback": "Die Datei sagt, dass das Portal zu einer früheren Geschichte zurückgegangen ist.",
  "audit.kind-split": "Die Datei sagt, dass das Portal zwei Geräten zwei Geschichten gezeigt hat.",
  "audit.kind-omission":
    "Die Datei sagt, dass das Portal einen Datensatz nicht herausgibt, der in seinem Protokoll steht.",
  "audit.kind-order":
    "Die Datei sagt, dass das Portal Versionen eines Datensatzes in der falschen Reihenfolge gegeben hat.",
  "audit.kind-key-changed":
    "Die Datei sagt, dass das Portal einen anderen Schlüssel hat, den der bekannte nicht signiert hat.",
  "audit.kind-proof-invalid": "Die Datei sagt, dass das Portal einen Nachweis gegeben hat, der nicht gilt.",
  "audit.kind-page-truncated": "Die Datei sagt, dass das Portal eine Liste vor ihrem Ende beendet hat.",
  "audit.two-roots": "Das ist bewiesen: Zwei signierte Köpfe gleicher Größe haben verschiedene Wurzeln.",
  "audit.other-prefix": "Das ist bewiesen: Die längere von zwei signierten Geschichten beginnt nicht mit der kürzeren.",
  "audit.two-leaves": "Das ist bewiesen: An einer Stelle einer signierten Geschichte stehen zwei Einträge.",
  "audit.links": "Das ist bewiesen: Ein Eintrag einer signierten Geschichte nennt nicht den davor.",
  "audit.sequences": "Das ist bewiesen: In einer signierten Geschichte steigen Versionen nicht an.",
  "audit.two-keys": "Das ist bewiesen: Ein Schlüssel hat zwei andere als Nachfolger signiert.",
  "audit.unexplained": "Alle Signaturen gelten, aber es ist kein Beweis: Das Portal kann es vielleicht noch erklären.",
  "audit.head": {
    one: "{count} Eintrag, signiert um {time}",
    other: "{count} Einträge, signiert um {time}",
  },
  "audit.know-key":
    "Das zählt nur, wenn der Schlüssel des Protokolls der dieses Portals ist. Vergleichen Sie ihn mit einem, den Sie kennen.",
  "audit.head-pinned": {
    one: "{count} Eintrag",
    other: "{count} Einträge",
  },
  "audit.accept-known": "Bekannter Schlüssel: {key} ({head})",
  "audit.accept-announced": "Genannter Schlüssel: {key} ({head})",
  "audit.accept-unconfirmed":
    "Das Portal {url} hat ein anderes Protokoll begonnen. Es tritt nur dann an die Stelle des bekannten, wenn sein Schlüssel bestätigt wird.",
  "audit.accept-unconfirmed.hint":
    "Fragen Sie den Betreiber auf anderem Weg als über das Portal nach dem Schlüssel des Protokolls und geben Sie den ganzen Schlüssel an, wie Sie ihn erfahren haben: --confirm SCHLÜSSEL",
  "audit.accept-other-key":
    "Das Portal {url} nennt einen anderen Schlüssel des Protokolls als den, den Sie bestätigen.",
  "audit.accept-same-log":
    "Das Portal {url} nennt einen anderen Schlüssel für ein Protokoll desselben Namens. Das ist kein neues Protokoll: Ein neues hat einen neuen Namen.",
  "audit.accepted": "Von nun an gilt das neue Protokoll des Portals {url}.",
  "audit.accepted.hint":
    "Tun Sie dasselbe auf Ihren anderen Geräten. Sagt ein Befehl, dass das Portal zu einem älteren Profil zurückgegangen ist, hat es Ihre letzten Änderungen verloren: Sagen Sie es dem Betreiber.",
  "audit.nothing-to-accept":
    "Es gibt nichts anzunehmen: Nichts, was hier vom Portal {url} bekannt ist, spricht gegen sein Protokoll.",

  "help.audit.summary": "die Protokolle Ihrer Portale ansehen",
  "help.audit.description":
    "Ein Portal unserer Art führt über jede Änderung Protokoll und signiert es, damit es nicht verschiedenen Menschen verschiedene Geschichten zeigen kann. Was nicht passt, wird als Beweis im Home-Ordner aufbewahrt.",
  "help.audit.status.summary": "zeigen, wie weit das Protokoll jedes Portals bekannt ist und ob es noch stimmt",
  "help.audit.status.description":
    "Fragt jedes Portal nach seinem neuesten signierten Kopf und prüft, ob er fortsetzt, was hier gesehen wurde. Der Exit-Status ist 7, wenn das bei einem nicht so ist, und 6, wenn kein Portal zu erreichen war.",
  "help.audit.self.summary": "suchen, was andere in Ihrem Namen getan haben",
  "help.audit.self.description":
    "Geht die Protokolle seit dem letzten Mal durch, prüft jeden Eintrag über Ihr Profil, Ihre Konten und Geräte und zeigt die, die dieses Gerät nicht gemacht hat. Der Exit-Status ist 7, wenn das Protokoll nicht in Ordnung ist oder das Portal nicht herausgibt, was es hat.",
  "help.audit.self.all": "das ganze Protokoll noch einmal ansehen, nicht nur das Neue",
  "help.audit.log.summary": "das ganze Protokoll eines Portals prüfen",
  "help.audit.log.description":
    "Holt jeden Eintrag, berechnet die Wurzel neu, die das Portal signiert hat, und prüft, dass die Einträge aufeinander folgen. Unterbrochen macht es da weiter, wo es war; noch einmal aufgerufen prüft es, was neu ist.",
  "help.audit.log.all": "wieder beim ersten Eintrag anfangen",
  "help.audit.accept.summary": "annehmen, dass ein Portal ein neues Protokoll begonnen hat",
  "help.audit.accept.description":
    "Ein Portal, das den Schlüssel seines Protokolls oder Einträge daraus verloren hat, kann nur ein neues Protokoll beginnen. Jeder andere Befehl weist das zurück, denn ein Fremder an der Stelle des Portals sähe ebenso aus: Fragen Sie also erst den Betreiber, auf anderem Weg als über das Portal. Was vom alten Protokoll bekannt war, wird als Beweis im Home-Ordner aufbewahrt. Für Ihr Profil gilt weiter, was davon gesehen wurde.",
  "help.audit.accept.confirm": "der ganze Schlüssel des neuen Protokolls, wie Sie ihn auf anderem Weg erfahren haben",
  "help.audit.evidence.summary": "eine Beweisdatei gegen ein Portal prüfen",
  "help.audit.evidence.description":
    "Braucht weder Portal noch Home-Ordner. Der Exit-Status ist 0, wenn alles in der Datei gilt; ob das etwas beweist, wird gesagt.",
  "help.audit.evidence.file": "die Datei, wie sie im Unterordner evidence liegt",
} as const;
