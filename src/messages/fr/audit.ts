/** Ce que `audit` trouve dans les journaux des portails. */
export const audit = {
  "audit.no-log": "Le portail {url} ne tient pas de journal.",
  "audit.file-wrong": "Le portail {url} fournit {file}, qui n'est pas ce que dit la tête de son journal.",
  "audit.leaves-disordered": "L'entrée {index} du journal du portail {url} ne suit pas celle d'avant.",
  "audit.progress": "{done} entrées sur {size} vérifiées.",
  "audit.log-too-large": "Le journal du portail {url} a {size} entrées, plus que ce programme n'en parcourt.",
  "audit.log-verified": {
    one: "Le journal est en ordre : son unique entrée a été vérifiée ({count}).",
    other: "Le journal est en ordre : ses {count} entrées ont toutes été vérifiées.",
  },
  "audit.verified-before": "les {count} premières",
  "audit.portal-said": "{portal} : {reason}",
  "audit.no-portals": "Il n'y a pas de portail à examiner.",
  "audit.consistent": "cohérent",
  "audit.inconsistent": "PAS COHÉRENT",
  "audit.not-current": "PAS ACTUEL",
  "audit.logless": "ne tient pas de journal",
  "audit.unreachable": "pas joint",
  "audit.own-disordered": "Le journal du portail {url} a des entrées sur {identifier} qui ne se suivent pas.",
  "audit.own-omitted":
    "Le journal du portail {url} a une entrée sur {identifier} dont le portail ne fournit pas l'enregistrement.",
  "audit.all-own": "Le journal n'a rien sur vous que cet appareil n'ait pas fait.",
  "audit.not-made-here": {
    one: "Le journal a {count} entrée sur vous que cet appareil n'a pas faite.",
    other: "Le journal a {count} entrées sur vous que cet appareil n'a pas faites.",
  },
  "audit.not-made-here.hint":
    "Vérifiez que vous connaissez chacune d'elles. Retirez un appareil que vous ne connaissez pas : meshman device remove NOM",
  "audit.looked-through": {
    one: "{portal} : entrées {from} à {size}, dont {count} sur vous",
    other: "{portal} : entrées {from} à {size}, dont {count} sur vous",
  },
  "audit.nobody-known": "inconnu",
  "audit.by-portal": "le portail",
  "audit.leaf-personal": "profil",
  "audit.leaf-master": "note de révocation",
  "audit.leaf-device": "profil d'appareil",
  "audit.leaf-application": "profil d'application",
  "audit.leaf-escrow": "entrée de séquestre",
  "audit.leaf-account": "compte",
  "audit.leaf-result": "réponse à un appareil",
  "audit.leaf-key": "clé du journal",

  "audit.kind-fork": "Le fichier dit que le portail a montré une autre histoire qu'avant.",
  "audit.kind-rollback": "Le fichier dit que le portail est revenu à une histoire antérieure.",
  "audit.kind-split": "Le fichier dit que le portail a montré deux histoires à deux appareils.",
  "audit.kind-omission": "Le fichier dit que le portail ne fournit pas un enregistrement que son journal contient.",
  "audit.kind-order": "Le fichier dit que le portail a donné des versions d'un enregistrement dans le mauvais ordre.",
  "audit.kind-key-changed": "Le fichier dit que le portail a une autre clé, que la clé connue n'a pas signée.",
  "audit.kind-proof-invalid": "Le fichier dit que le portail a donné une preuve qui ne tient pas.",
  "audit.kind-page-truncated": "Le fichier dit que le portail a terminé une liste avant sa fin.",
  "audit.two-roots": "C'est prouvé : deux têtes signées de même taille ont des racines différentes.",
  "audit.other-prefix": "C'est prouvé : la plus longue de deux histoires signées ne commence pas par la plus courte.",
  "audit.two-leaves": "C'est prouvé : deux entrées se trouvent à la même place d'une histoire signée.",
  "audit.links": "C'est prouvé : une entrée d'une histoire signée ne nomme pas celle d'avant.",
  "audit.sequences": "C'est prouvé : des versions ne croissent pas dans une histoire signée.",
  "audit.two-keys": "C'est prouvé : une clé en a signé deux autres pour lui succéder.",
  "audit.unexplained":
    "Toutes les signatures sont valides, mais ce n'est pas une preuve : le portail peut encore l'expliquer.",
  "audit.head": {
    one: "{count} entrée, signée à {time}",
    other: "{count} entrées, signées à {time}",
  },
  "audit.know-key":
    "Cela ne compte que si la clé du journal est celle de ce portail. Comparez-la avec une que vous connaissez.",
  "audit.head-pinned": {
    one: "{count} entrée",
    other: "{count} entrées",
  },
  "audit.accept-known": "Clé connue : {key} ({head})",
  "audit.accept-announced": "Clé annoncée : {key} ({head})",
  "audit.accept-unconfirmed":
    "Le portail {url} a commencé un autre journal. Il ne remplace celui qui est connu que si sa clé est confirmée.",
  "audit.accept-unconfirmed.hint":
    "Demandez la clé du journal au gestionnaire du portail, par une autre voie que le portail, et donnez la clé entière telle que vous l'avez reçue : --confirm CLÉ",
  "audit.accept-other-key": "Le portail {url} annonce une autre clé du journal que celle que vous confirmez.",
  "audit.accept-same-log":
    "Le portail {url} annonce une autre clé pour un journal du même nom. Ce n'est pas un nouveau journal : celui-ci aurait un nouveau nom.",
  "audit.accepted": "Désormais, c'est le nouveau journal du portail {url} qui compte.",
  "audit.accepted.hint":
    "Faites de même sur vos autres appareils. Si une commande dit que le portail est revenu à un profil plus ancien, il a perdu vos derniers changements : dites-le au gestionnaire.",
  "audit.nothing-to-accept":
    "Il n'y a rien à accepter : rien de ce qui est connu ici du portail {url} ne contredit son journal.",

  "help.audit.summary": "examiner les journaux de vos portails",
  "help.audit.description":
    "Un portail de notre sorte tient un journal de chaque changement et le signe, pour ne pas pouvoir montrer des histoires différentes à des personnes différentes. Ce qui ne concorde pas est conservé comme preuve dans le dossier.",
  "help.audit.status.summary": "montrer jusqu'où le journal de chaque portail est connu, et s'il concorde encore",
  "help.audit.status.description":
    "Demande à chaque portail sa dernière tête signée et vérifie qu'elle prolonge ce qui a été vu ici. Le code de sortie est 7 si ce n'est pas le cas de l'un d'eux, et 6 si aucun portail n'a pu être joint.",
  "help.audit.self.summary": "chercher ce que d'autres ont fait en votre nom",
  "help.audit.self.description":
    "Parcourt les journaux depuis la dernière fois, vérifie chaque entrée sur votre profil, vos comptes et vos appareils, et montre celles que cet appareil n'a pas faites. Le code de sortie est 7 si le journal n'est pas en ordre, ou si le portail ne fournit pas ce qu'il a.",
  "help.audit.self.all": "examiner de nouveau le journal entier, pas seulement ce qui est nouveau",
  "help.audit.log.summary": "vérifier le journal entier d'un portail",
  "help.audit.log.description":
    "Récupère chaque entrée, recalcule la racine que le portail a signée, et vérifie que les entrées se suivent. Interrompu, il reprend où il était ; relancé, il vérifie ce qui est nouveau.",
  "help.audit.log.all": "recommencer à la première entrée",
  "help.audit.accept.summary": "accepter qu'un portail ait commencé un nouveau journal",
  "help.audit.accept.description":
    "Un portail qui a perdu la clé de son journal, ou des entrées, ne peut que commencer un nouveau journal. Toute autre commande le refuse, car un inconnu à la place du portail aurait la même apparence : interrogez donc d'abord le gestionnaire, par une autre voie que le portail. Ce qui était connu de l'ancien journal est conservé comme preuve dans le dossier. Votre profil reste tenu à ce qui en a été vu.",
  "help.audit.accept.confirm": "la clé entière du nouveau journal, telle que vous l'avez reçue par une autre voie",
  "help.audit.evidence.summary": "vérifier un fichier de preuve contre un portail",
  "help.audit.evidence.description":
    "N'a besoin ni de portail ni de dossier. Le code de sortie est 0 si tout dans le fichier est valide ; il est dit si cela prouve quelque chose.",
  "help.audit.evidence.file": "le fichier, tel qu'il se trouve dans le sous-dossier evidence",
} as const;
