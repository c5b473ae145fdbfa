import type { Wording } from "../catalogue.js";
import type { doctor as english } from "../en/doctor.js";

export const doctor: Wording<typeof english> = {
  "doctor.heading-status": "ÉTAT",
  "doctor.heading-check": "CONTRÔLE",
  "doctor.heading-finding": "CONSTAT",
  "doctor.status-ok": "ok",
  "doctor.status-warning": "attention",
  "doctor.status-problem": "PROBLÈME",
  "doctor.summary-ok": "Tout va bien.",
  "doctor.summary-warnings": {
    one: "{count} avertissement, aucun problème.",
    other: "{count} avertissements, aucun problème.",
  },
  "doctor.summary-problems": { one: "{count} problème.", other: "{count} problèmes." },

  "doctor.node": "Node {version} est assez récent.",
  "doctor.node-old": "Node {version} est trop ancien : il faut au moins {needed}.",
  "doctor.node-old.mend": "Installez Node {needed} ou une version plus récente.",

  "doctor.home": "Le dossier de meshman {path} est à vous seul.",
  "doctor.home-none": "Il n'y a pas encore de dossier de meshman {path}.",
  "doctor.home-foreign": "Le dossier de meshman {path} appartient à un autre utilisateur.",
  "doctor.home-read-only":
    "Le dossier de meshman {path} n'est pas accessible en écriture : seules les commandes de consultation fonctionnent.",
  "doctor.permissions": "Personne d'autre n'a accès aux fichiers.",
  "doctor.busy": "Un autre processus travaille dans le dossier de meshman.",
  "doctor.no-leftovers": "Aucun processus n'a laissé de travail inachevé.",
  "doctor.leftovers": "Un processus interrompu de force a laissé ceci : {names}.",
  "doctor.leftovers.mend": "La prochaine commande qui modifie quelque chose le supprimera.",

  "doctor.keystore": {
    one: "Le magasin de clés {path} contient {count} clé.",
    other: "Le magasin de clés {path} contient {count} clés.",
  },
  "doctor.keystore-none": "Il n'y a pas encore de magasin de clés.",
  "doctor.protection-passphrase": "Une phrase secrète ouvre le magasin de clés.",
  "doctor.protection-keyring": "Le trousseau du système ouvre le magasin de clés, ou à défaut sa phrase secrète.",
  "doctor.protection-key": "Une clé donnée à chaque fois ouvre le magasin de clés.",
  "doctor.protection-key-file": "Le fichier de clé {path} ouvre le magasin de clés.",
  "doctor.keyring-none":
    "Il n'y a pas ici de trousseau pour ouvrir le magasin de clés ; sa phrase secrète l'ouvre malgré tout.",
  "doctor.keyring-none.mend":
    "Donnez-la avec --passphrase-file, ou dans un terminal ; `meshman keystore protect` change la manière d'ouvrir le magasin de clés.",
  "doctor.key-file-missing": "Le fichier de clé {path}, qui ouvre le magasin de clés, n'est pas là.",
  "doctor.key-file-useless": "Le fichier de clé {path} ne contient pas de clé.",
  "doctor.key-file.mend":
    "Insérez son support, ou restaurez-le depuis une sauvegarde ; sinon, récupérez le profil à partir des parts avec `meshman escrow recover`.",
  "doctor.agent": "Le magasin de clés est déverrouillé pendant encore {time}.",
  "doctor.agent-none": "Le magasin de clés est verrouillé entre les commandes.",
  "doctor.agent-trouble.mend": "Les commandes s'en passent. `meshman keystore lock` arrête ce qui vous appartient.",
  "doctor.pins": "Les valeurs épinglées sont lisibles ; profils : {profiles}, portails : {portals}.",
  "doctor.pins-authentic": "Les valeurs épinglées sont telles que meshman les a écrites.",

  "doctor.no-profile": "Il n'y a pas encore de profil sur cet appareil.",
  "doctor.profile": "{name} : la version {version} est gardée ici, et sa vérification réussit.",
  "doctor.profile-unseen": "{name} : cet appareil n'a encore aucune version du profil.",
  "doctor.default-missing": "Le profil par défaut {udf} n'est pas sur cet appareil.",
  "doctor.revoked": "{name} : révoqué par son propriétaire ({time}).",
  "doctor.keys": "{name} : les clés de cet appareil sont dans le magasin de clés.",
  "doctor.keys-missing": {
    one: "{name} : {count} clé de cet appareil n'est pas dans le magasin de clés.",
    other: "{name} : {count} clés de cet appareil ne sont pas dans le magasin de clés.",
  },
  "doctor.keys-missing.mend":
    "Restaurez une sauvegarde avec `meshman profile import`, ou connectez de nouveau cet appareil dans un nouveau dossier de meshman.",
  "doctor.keys-stray": {
    one: "Le magasin de clés contient {count} clé du profil {udf}, qui n'a pas de fichier ici.",
    other: "Le magasin de clés contient {count} clés du profil {udf}, qui n'a pas de fichier ici.",
  },
  "doctor.keys-stray.mend":
    "Si ce profil était le vôtre, restaurez une sauvegarde avec `meshman profile import`, ou connectez de nouveau cet appareil avec `meshman device connect`. Sinon, elles ne gênent pas.",
  "doctor.device": "{name} : cet appareil est connecté.",
  "doctor.device-until": "{name} : cet appareil est connecté jusqu'au {time}.",
  "doctor.device-lapses": "{name} : cet appareil est connecté jusqu'au {time}, ce qui est proche.",
  "doctor.device-lapsed": "{name} : cet appareil a expiré le {time}.",
  "doctor.device-renew.mend": "Sur un appareil d'administration : {command}",
  "doctor.device-unlisted": "{name} : cet appareil n'est pas dans le profil, ou n'y est plus.",
  "doctor.work": "{name} : travail inachevé depuis le {time} : {kind}.",
  "doctor.waiting":
    "{name} : cet appareil a demandé à être connecté à {account} le {time}, et n'a pas eu connaissance d'une réponse.",
  "doctor.recovery": "{name} : des parts de récupération ont été créées le {time}.",
  "doctor.no-recovery": "{name} : cet appareil n'a connaissance d'aucune part de récupération.",
  "doctor.invites": {
    one: "{name} : {count} invitation est ouverte.",
    other: "{name} : {count} invitations sont ouvertes.",
  },
  "doctor.invites-lapsed": {
    one: "{name} : {count} invitation a expiré avant d'être épuisée.",
    other: "{name} : {count} invitations ont expiré avant d'être épuisées.",
  },
  "doctor.invites-lapsed.mend":
    "Si l'appareil doit encore venir, créez une autre invitation avec `meshman device invite`.",

  "doctor.portal": {
    one: "Le portail {url} répond ({wrapping}, {count} extension).",
    other: "Le portail {url} répond ({wrapping}, {count} extensions).",
  },
  "doctor.portal-plain": "Le portail {url} répond ({wrapping}, aucune extension).",
  "doctor.portal-file-missing": "Le portail {url} n'a pas de fichier sur cette machine.",
  "doctor.portal-file-missing.mend":
    "Restaurez son fichier, ou indiquez où se trouve maintenant le compte avec --portal.",
  "doctor.log": "Le journal du portail {url} prolonge ce qui a été vu ici.",
  "doctor.evidence": {
    one: "{path} contient {count} fichier montrant ce qu'un portail a fait et ne doit pas faire.",
    other: "{path} contient {count} fichiers montrant ce que des portails ont fait et ne doivent pas faire.",
  },
  "doctor.evidence.mend": "Vérifiez ce que prouve chaque fichier, le plus récent avec : meshman audit evidence {file}",
  "doctor.clock": "L'horloge concorde avec celle de {url}.",
  "doctor.clock-ahead": {
    one: "L'horloge avance de {count} seconde sur celle de {url}.",
    other: "L'horloge avance de {count} secondes sur celle de {url}.",
  },
  "doctor.clock-behind": {
    one: "L'horloge retarde de {count} seconde sur celle de {url}.",
    other: "L'horloge retarde de {count} secondes sur celle de {url}.",
  },
  "doctor.clock.mend":
    "Réglez l'horloge de cette machine ; les portails refusent les requêtes qui s'écartent de plus de 300 secondes.",
  "doctor.domain": "{domain} mène au portail {portal}.",
  "doctor.domain-unknown": "Le DNS ne dit rien de {domain} : {code}.",
  "doctor.domain-unknown.mend": "Vérifiez le réseau. Ce qui est retenu ici fonctionne sans le DNS.",
  "doctor.domain-elsewhere": "Pour {account}, le DNS mène à {found} ; le compte est sur {portal}.",
  "doctor.domain-nowhere": "Pour {account}, le DNS ne mène pas à son portail {portal}.",
  "doctor.domain.mend":
    "Les autres doivent indiquer --portal, à moins que le domaine n'ait cet enregistrement : {record}",
};
