import type { Wording } from "../catalogue.js";
import type { invites as english } from "../en/invites.js";

export const invites: Wording<typeof english> = {
  "invite.expires": "Expiration",
  "invite.uses": "Appareils",
  "invite.id": "Invitation",
  "invite.pin": "PIN",
  "invite.lifetime": "Durée de l'appareil",
  "invite.keep-secret":
    "Le PIN fait entrer un appareil dans le profil : ne le donnez à personne d'autre qu'à cet appareil.",
  "invite.run-there": "Sur le nouvel appareil, qui demande le PIN :",
  "invite.run-there-file": "Apportez le fichier sur le nouvel appareil, et là :",
  "invite.run-here": "Puis ici, tant que l'invitation est valable :",
  "invite.admin-here": "Nommer un appareil administrateur nécessite la clé maîtresse, qui est sur cet appareil.",
  "invite.admin-elsewhere":
    "Nommer un appareil administrateur nécessite la clé maîtresse, qui n'est pas sur cet appareil : `meshman device approve` aura besoin de parts, données avec --share-file.",
  "invite.perhaps":
    "avertissement : il n'est pas certain que l'invitation ait été publiée. Son PIN est dans {path} ; supprimez ce fichier si vous en créez une autre.",
  "invite.pin-twice": "Donnez le PIN une seule fois : dans un fichier, ou par un descripteur.",
  "invite.ask-pin": "PIN de l'invitation",
  "invite.other-profile": "Le PIN est destiné à un autre profil que celui que présente le compte {account}.",
  "invite.other-profile.hint": "Vérifiez l'adresse, et que c'est le bon PIN.",
  "invite.other-fingerprint": "Le PIN est destiné à un autre profil que celui attendu.",
  "invite.asks-anew":
    "Cet appareil avait fait sa demande sans ce PIN. Il en fait une nouvelle, avec d'autres clés ; la précédente est sans effet.",
  "invite.approve-with": "Sur un appareil d'administration : meshman device approve",
  "invite.approve-there": "Un appareil d'administration accepte celui-ci avec :",

  "approve.for-without-watch": "L'option --for va avec --watch.",
  "approve.no-succession":
    "Le portail {url} ne garantit pas l'ordre des versions, et une invitation pourrait y servir plus souvent que prévu : il n'est donc pas surveillé.",
  "approve.no-succession.hint": "Lancez `meshman device approve` sans --watch quand un appareil fait une demande.",
  "approve.watching": "Attente d'appareils munis d'un PIN. ^C y met fin.",
  "approve.away": "avertissement : {reason} L'attente continue jusqu'au retour du portail.",
  "approve.back": "Le portail est de retour.",
  "approve.device-in": "{name} est connecté ({code}).",
  "approve.device-left": "{name} est laissé de côté ({code}) : {reason}.",
  "approve.nothing": "Aucun appareil n'a fait de demande.",
  "approve.heading-result": "RÉSULTAT",
  "approve.connected": "connecté",
  "approve.connected-admin": "connecté, comme administrateur",
  "approve.connected-replacing": "connecté, à la place de l'appareil précédent",
  "approve.left": "laissé de côté : {reason}",
  "approve.reason-no-proof": "il ne présente pas de PIN",
  "approve.reason-expired": "il vient trop tard",
  "approve.reason-used-up": "l'invitation est épuisée",
  "approve.reason-wrong": "sa preuve est incorrecte",
  "approve.reason-unknown": "rien dans le profil ne s'en porte garant ; son invitation a peut-être été retirée",
  "approve.reason-master-key-needed": "cela nécessite la clé maîtresse",
  "approve.reason-too-large": "le profil n'a pas de place pour lui",
  "approve.by-hand": "Pour ceux dont vous avez comparé le code vous-même : meshman device complete CODE",
  "approve.rotation-wrong.hint": "Refusez-le : meshman device complete CODE --refuse",
  "approve.not-replacing":
    "L'appareil dit qu'il en remplace un autre, mais celui-ci n'est pas dans le profil, ou a expiré. Il a été ajouté comme nouvel appareil.",
  "approve.left-by-code": "Un appareil dont le code a été comparé n'a pas été accepté.",

  "pending.heading-proof": "PREUVE",
  "pending.valid": "PIN valide",
  "pending.expired": "PIN trop tardif",
  "pending.used-up": "PIN épuisé",
  "pending.wrong": "PIN incorrect",
  "pending.unknown": "PIN inconnu",
  "pending.replaces": "remplace {name}",
  "pending.replaces-expired": "dit remplacer un appareil qui a expiré",
  "pending.replaces-wrong": "dit à tort remplacer un appareil",
  "pending.replaces-unknown": "dit remplacer un appareil absent",
};
