import type { Wording } from "../catalogue.js";
import type { backup as english } from "../en/backup.js";

export const backup: Wording<typeof english> = {
  "backup.what.content": "Le contenu de la sauvegarde",
  "backup.none": "Le fichier {path} n'est pas la sauvegarde d'un profil, ou il est endommagé.",
  "backup.is-bundle": "Le fichier {path} est le paquet d'un appareil, et non la sauvegarde d'un profil.",
  "backup.is-bundle.hint": "`meshman device install` le prend, sur la machine qui doit être cet appareil.",
  "backup.damaged": "La sauvegarde {path} est endommagée.",
  "backup.invalid.hint": "Utilisez-en une autre copie.",
  "backup.passphrase-wrong": "La phrase secrète n'ouvre pas la sauvegarde.",
  "backup.too-large": "Le profil est trop volumineux pour une sauvegarde.",
  "backup.key-misnamed": "Une clé de la sauvegarde n'est pas celle que dit son nom.",
  "backup.keys-incomplete": "La sauvegarde ne contient pas toutes les clés de son appareil.",
  "backup.other-records": "Les enregistrements gardés sont ceux d'un autre appareil ou d'un autre profil.",
  "backup.key-missing": "Le magasin de clés ne contient pas la clé {kid}, sans laquelle la sauvegarde serait inutile.",
  "backup.key-missing.hint":
    "Connectez de nouveau cet appareil avec `meshman device connect`, ou restaurez une sauvegarde antérieure.",
  "backup.fork": "La sauvegarde et cet appareil ont vu des versions différentes du profil, de même ancienneté.",
  "backup.out-needed": "Une sauvegarde est écrite dans un fichier : --out FILE.",
  "backup.private-only": "Les options --out et --backup-passphrase-file ou -fd vont avec --private.",
  "backup.no-format": "Une sauvegarde n'a qu'un format : --format s'utilise sans --private.",
  "backup.passphrase-twice":
    "Donnez la phrase secrète de la sauvegarde une seule fois : dans un fichier, ou par un descripteur.",
  "backup.passphrase-what": "La phrase secrète de la sauvegarde",
  "backup.passphrase-what.hint": "Utilisez --backup-passphrase-file ou --backup-passphrase-fd.",
  "backup.passphrase-ask": "Phrase secrète de la sauvegarde",
  "backup.passphrase-ask-new": "Phrase secrète pour la sauvegarde",
  "backup.advice":
    "Le fichier et sa phrase secrète équivalent ensemble à cet appareil. Gardez-les séparément, et restaurez-les à sa place, non à côté de lui.",
  "backup.holds": "La sauvegarde contient :",
  "backup.question": "La restaurer ici sous le nom {name} ?",
  "backup.profile-here": "Le profil est déjà sur cet appareil, sous le nom {name}.",
  "backup.profile-here.hint": "Pour mettre l'appareil de la sauvegarde à la place de celui-ci, utilisez --replace.",
  "backup.restored":
    "L'appareil de la sauvegarde est maintenant sur cette machine. Ne continuez pas à l'utiliser ailleurs.",
  "backup.replaced": "L'appareil de la sauvegarde a pris la place du précédent.",
  "backup.device-gone":
    "avertissement : le profil tel qu'il est connu ici ne contient plus l'appareil de la sauvegarde.",
  "backup.useless":
    "Le profil, tel qu'il est connu ici au plus récent, contient cet appareil, mais plus celui de la sauvegarde, dont personne n'accepte plus les clés.",
  "backup.useless.hint":
    "Rien n'a été changé. Pour restaurer quand même la sauvegarde, indiquez un autre dossier avec --home ou MESHMAN_HOME.",
  "backup.not-listed":
    "avertissement : cet appareil n'est plus dans le profil. Connectez-le de nouveau avec `meshman device connect`.",
};
