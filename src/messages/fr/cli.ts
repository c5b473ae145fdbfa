import type { Wording } from "../catalogue.js";
import type { cli as english } from "../en/cli.js";

export const cli: Wording<typeof english> = {
  interrupted: "Commande interrompue.",

  "output.error": "erreur :",
  "output.hint": "conseil :",
  "output.reader-gone": "Le programme qui lisait la sortie s'est arrêté avant d'avoir tout reçu.",
  "output.unwritable": "La sortie ne peut pas être écrite : {reason}.",
  "output.unexpected": "Une erreur imprévue s'est produite.",
  "output.unexpected.hint": "Veuillez la signaler, avec ce que vous avez saisi. `--verbose` en montre davantage.",

  "input.option-invalid": "{text} ne convient pas pour {option}.",
  "input.required": "{what} est nécessaire, et il n'y a pas de terminal où poser la question.",
  "input.required.hint": "Utilisez {option}.",
  "ask.hidden": "[la saisie n'est pas affichée]",
  "ask.yes": "oui",
  "ask.no": "non",
  "ask.other": "Répondez {yes} ou {no}.",
  "ask.keys": "↑↓ choisir, ⏎ valider",
  "input.confirmation": "Une confirmation",
  "input.nothing-changed": "Rien n'a été modifié.",

  "name.profile-empty": "Le nom du profil est vide.",
  "name.profile-long": "Le nom du profil dépasse {maximum} caractères.",
  "name.profile-unprintable": "Le nom du profil contient des caractères qui ne peuvent pas être affichés.",
  "name.profile-udf": "Le nom du profil ressemble à une UDF.",
  "name.device-empty": "Le nom de l'appareil est vide.",
  "name.device-long": "Le nom de l'appareil dépasse {maximum} caractères.",
  "name.device-unprintable": "Le nom de l'appareil contient des caractères qui ne peuvent pas être affichés.",
  "name.device-udf": "Le nom de l'appareil ressemble à une UDF.",

  "file.unreadable": "Le fichier {path} ne peut pas être lu.",
  "file.unreadable.hint": "Vérifiez le chemin, et que vous avez le droit de lire le fichier.",
  "file.device": "{path} est un périphérique, qui peut ne jamais finir.",
  "file.device.hint": "Nommez un fichier, ou `-` pour l'entrée standard.",
  "file.too-large": "Le fichier {path} est trop volumineux.",
  "file.shared": "avertissement : d'autres utilisateurs peuvent lire {path}.",
  "file.descriptor-unreadable": "Le descripteur de fichier {fd} ne peut pas être lu.",
  "file.descriptor-unreadable.hint":
    "Donnez-le au programme, comme un shell le fait avec {fd}<FICHIER, et ne le nommez que dans une option.",
  "file.descriptor-long": "Le descripteur de fichier {fd} contient plus qu'un secret.",
  "file.path-unusable": "Le chemin {path} ne peut pas être utilisé : {reason}.",
  "file.path-unusable-somehow": "Le chemin {path} ne peut pas être utilisé.",
  "file.path-empty": "Le chemin du fichier à écrire est vide.",
  "file.exists": "Le fichier {path} existe déjà.",
  "file.exists.hint": "Indiquez-en un autre, ou déplacez celui-là.",
  "file.folder-missing": "Le dossier de {path} n'existe pas.",
  "file.folder-missing.hint": "Créez-le d'abord.",

  "udf.too-large": "Les données dépassent 256 Mio.",
  "udf.content-type": "Le type de contenu n'est pas un type de média.",

  "verify.ok": "ok",
  "verify.bad": "ÉCHEC",
  "verify.no-records": "Aucun enregistrement signé.",
  "verify.all-good": {
    one: "{count} signature vérifiée, aucun échec.",
    other: "{count} signatures vérifiées, aucun échec.",
  },
  "verify.some-bad": {
    one: "{count} signature vérifiée, nombre d'échecs : {bad}.",
    other: "{count} signatures vérifiées, nombre d'échecs : {bad}.",
  },

  "status.no-profile": "Il n'y a pas encore de profil sur cet appareil. `meshman setup` en crée un.",
  "status.not-connected": "non connecté",
  "status.account": "{account} sur {portal}",
  "status.no-account": "aucun pour l'instant : meshman account create ADDRESS",
  "status.passphrase": "phrase secrète",
  "status.unlocked": "{protection}, déverrouillé pendant encore {time}",
  "status.key-file": "fichier de clé",
  "status.keyring": "trousseau du système",
  "status.key": "clé donnée à chaque utilisation",
  "status.master-here": "sur cet appareil",
  "status.master-elsewhere": "pas sur cet appareil",
  "status.recovery": "{threshold} parts quelconques sur {shares}",
  "status.recovery-some": "{threshold} parts quelconques",
  "status.no-shares": "pas encore de parts : meshman escrow split --shares 3 --threshold 2",
  "status.recovery-unknown": "non connue ici",

  "keystore-status.none": "Il n'y a pas encore de magasin de clés dans {folder}.",
  "keystore-status.passphrase":
    "phrase secrète, demandée par chaque commande qui a besoin d'une clé tant que le magasin est verrouillé",
  "keystore-status.key-file": "fichier de clé",
  "keystore-status.keyring": "trousseau du système, et une phrase secrète s'il ne répond pas",
  "keystore-status.key": "clé donnée à chaque utilisation : --keystore-key-file, --keystore-key-fd",
  "keystore-status.no-keys": "Il ne contient aucune clé.",

  "keystore-status.agent": "magasin de clés déverrouillé pendant encore {time}",
  "keystore-status.no-agent": "aucun ; `meshman keystore unlock` en démarre un",

  "unlock.until": "Le magasin de clés est déverrouillé pendant {time}, jusqu'à {expires}.",
  "unlock.not-needed":
    "Le magasin de clés s'ouvre avec le fichier de clé à côté de lui : il n'y a rien à déverrouiller.",
  "lock.locked": "Le magasin de clés est verrouillé.",
  "lock.not-possible": "Le magasin de clés s'ouvre avec le fichier de clé à côté de lui : il n'est jamais verrouillé.",
  "lock.none": "Il n'y a pas de magasin de clés dans {folder}.",
  "lock.silent":
    "L'agent n'a pas répondu. Personne ne peut plus l'interroger, et il s'arrêtera dès qu'il fonctionnera de nouveau.",

  "duration.invalid": "{text} n'est pas une durée.",
  "duration.invalid.hint": "Écrivez un nombre et une unité : 90s, 15m, 8h ou 2d.",
  "duration.range": "La durée {text} n'est pas comprise entre {minimum} et {maximum}.",

  "check.good": "Tout est en ordre.",
  "check.some-bad": "Quelque chose ne va pas ; voyez ci-dessus.",
  "check.key": "clé {use}",
  "check.pins": "ce qui a été noté des profils et des portails",
  "check.profile": "profil {name}",
  "check.profile-unknown": "profil",

  "protect.method-unknown": "La protection {method} n'existe pas.",
  "protect.method-unknown.hint": "Au choix : {methods}.",
  "protect.not-for": "L'option {option} ne convient pas à la protection {method}.",
  "protect.path-not-for": "La protection {method} n'a pas de chemin.",
  "protect.path-empty": "Le chemin du fichier de clé est vide.",
  "protect.given-twice": "Donnez un nouveau secret une seule fois : dans un fichier, ou par un descripteur.",
  "protect.passphrase-needed.hint": "Utilisez --new-passphrase-file ou --new-passphrase-fd.",
  "protect.key-needed": "La nouvelle clé doit être donnée : elle n'est pas demandée.",
  "protect.key-needed.hint":
    "Utilisez --new-key-file ou --new-key-fd. `head -c 32 /dev/urandom | base64` crée une clé.",
  "protect.keyring.hint":
    "Choisissez une autre protection : `meshman keystore protect passphrase`, ou key-file ou key à sa place.",

  "passwd.given-twice":
    "Choisissez une seule source pour la nouvelle phrase secrète : un fichier, un descripteur, ou aucune phrase secrète.",
  "passwd.needed.hint": "Utilisez --new-passphrase-file, --new-passphrase-fd ou --no-passphrase.",

  "hello.url-needed": "L'URL du portail",
  "hello.url-needed.hint": "Donnez-la en argument, ou avec --portal URL.",

  "share.needed": "Des parts de la clé de séquestre sont nécessaires, et il n'y a pas de terminal où les demander.",
  "share.needed.hint": "Utilisez --share-file, ou donnez une part par ligne sur l'entrée standard.",
  "share.question": "Part {index}",
  "share.question-of": "Part {index} sur {threshold}",
  "share.invalid": "Ce n'est pas une part.",
  "share.other-profile": "Les parts redonnent la clé maîtresse d'un autre profil.",

  "master.needed":
    "Cette opération change les administrateurs du profil, et la clé maîtresse n'est pas sur cet appareil.",
  "master.needed.hint":
    "Donnez assez de parts avec --share-file FILE (une fois pour chacune), ou récupérez la clé maîtresse avec `meshman escrow recover`.",

  "escrow.no-entry": "Aucun portail n'a l'entrée de séquestre {identifier}.",
  "escrow.no-entry.hint": "Donnez le fichier qui a été écrit à côté des parts : --entry-file entry.json",
  "escrow.place-needed": "Un endroit où chercher l'entrée de séquestre",
  "escrow.place-needed.hint": "Utilisez --account, --portal ou --entry-file.",
  "escrow.portal-away": "avertissement : {reason}",
  "escrow.other-account": "Le compte {account} n'appartient pas au profil que les parts redonnent.",
  "escrow.other-account.hint": "Vérifiez l'adresse, ou prenez les parts du bon profil.",
  "escrow.other-profile": "Les parts redonnent un autre profil que celui attendu.",
  "escrow.shares-work": "Les parts fonctionnent : elles redonnent les clés maîtresses.",

  "split.folder-shared": "avertissement : d'autres utilisateurs peuvent regarder dans {folder}.",
  "split.no-master": "La clé maîtresse n'est plus sur cet appareil et ne peut donc pas être mise sous séquestre.",
  "split.no-master.hint":
    "Récupérez-la à partir de parts antérieures avec `meshman escrow recover`, puis créez de nouvelles parts.",
  "split.threshold": "{threshold} parts quelconques sur {shares} suffisent à récupérer le profil",
  "split.share": "Part {index} :",
  "split.entry":
    "L'entrée de séquestre, qui est chiffrée. Gardez-en une copie dans un fichier, pour --entry-file, au cas où le portail perdrait la sienne :",
  "split.master-erased": "La clé maîtresse est effacée de cet appareil. Gardez les parts dans des endroits différents.",
  "split.master-kept":
    "La clé maîtresse est encore sur cet appareil ; --erase-master la retire. Gardez les parts dans des endroits différents.",
  "split.other-entry": "Le portail rend une autre entrée de séquestre.",
  "split.no-copy": "avertissement : {account} n'a pas de copie de l'entrée de séquestre. {reason}",
  "split.no-account": "Le profil n'a pas de compte.",
  "split.not-proven": "Les parts ne redonnent pas la clé.",
  "split.folder-empty": "Le chemin du dossier destiné aux parts est vide.",
  "split.no-folder": "{path} n'est pas un dossier.",
  "split.file-exists": "Le fichier {path} existe déjà.",
  "split.file-exists.hint":
    "Indiquez un autre dossier, ou déplacez ces fichiers. Les anciennes parts restent utilisables.",
  "split.file-title":
    "part de récupération meshman {index} sur {shares} ; {threshold} parts quelconques suffisent à récupérer le profil",
  "split.file-command": "avec : meshman escrow recover --share-file FILE --share-file FILE",

  "recover.master-back": "Les clés maîtresses sont de nouveau sur cet appareil. Rien d'autre n'a changé.",
  "recover.profile-back": "Le profil est récupéré. Cet appareil en est maintenant le seul administrateur.",
  "recover.not-published": "{accounts} : `meshman status` indique comment continuer",
  "recover.others":
    "Ces appareils sont toujours connectés, mais n'administrent plus rien. Retirez ceux que vous avez perdus :",
  "recover.name-taken": "Il y a déjà ici un profil nommé {name}.",
  "recover.name-taken.hint": "Choisissez un autre nom avec --name.",
  "recover.left-out": "avertissement : {url} est laissé de côté : {reason}",

  "setup.no-terminal": "La mise en place pose des questions, et il n'y a pas de terminal où les poser.",
  "setup.no-terminal.hint":
    "Dans un script, utilisez `meshman profile create`, `meshman account create` et `meshman escrow split`.",
  "setup.another": "Il y a déjà un profil sur cet appareil : {names}. Cette commande en crée un autre.",
  "setup.profile-name": "Nom du profil sur cet appareil",
  "setup.name-taken": "Il y a déjà un profil de ce nom.",
  "setup.name-invalid": "Ce n'est pas un nom.",
  "setup.device-name": "Nom de cet appareil, visible par d'autres",
  "setup.passphrase": "La phrase secrète protège les clés sur cet appareil.",
  "setup.place": "Où le profil doit-il être publié ?",
  "setup.place-address": "Sur un portail du réseau : j'ai une adresse en tête",
  "setup.place-local": "Sur cette machine seulement, pour un essai",
  "setup.place-later": "Nulle part pour l'instant",
  "setup.address": "Adresse, par exemple alice@example.com",
  "setup.account-name": "Nom du compte",
  "setup.address-invalid": "Ce n'est pas une adresse.",
  "setup.account-failed": "Le compte n'a pas pu être créé : {reason}",
  "setup.account-again": "Le profil existe malgré tout. Réessayez avec : meshman account create ADDRESS",
  "setup.shares":
    "Créer maintenant des parts de récupération ? 2 parts quelconques sur 3 suffisent à récupérer le profil si tous les appareils sont perdus.",
  "setup.shares-folder": "Dossier où écrire les parts (un support amovible convient bien)",
  "setup.folder-needed": "Un dossier est nécessaire.",
  "setup.erase":
    "Effacer ensuite la clé maîtresse de cet appareil ? Elle ne se trouvera alors plus que dans les parts.",
  "setup.shares-failed": "Les parts n'ont pas pu être créées : {reason}",
  "setup.shares-again": "Réessayez avec : meshman escrow split --shares 3 --threshold 2 --out FOLDER",
  "setup.note":
    "Écrire une note de révocation ? La personne qui la détient peut mettre fin au profil définitivement, si ses clés venaient à être volées.",
  "setup.note-file": "Fichier où l'écrire",
  "setup.note-failed": "La note n'a pas pu être écrite : {reason}",
  "setup.note-again": "Réessayez avec : meshman profile revocation --out FILE",

  "quickstart.unexpected": "Ce résultat n'était pas attendu : `{command}` a fini avec le code de sortie {status}.",
  "quickstart.unexpected.hint": "Lancez `meshman quickstart --keep` et regardez les fichiers.",
  "quickstart.portal-failed": "Le portail n'a pas démarré. {reason}",
  "quickstart.portal-status":
    "Le portail a fini avec le code de sortie {status} quand il lui a été demandé de s'arrêter.",
  "quickstart.portal-stopped": "Il a été demandé au portail de s'arrêter, et il l'a fait.",
  "quickstart.files": "Les fichiers sont dans {folder}.",
  "quickstart.shown":
    "Ce que vous avez vu : un compte, un séquestre divisé en 3 parts dont 2 suffisent, un second appareil connecté puis retiré, une récupération à partir de deux parts, et un administrateur perdu qui n'a plus aucun pouvoir. {seconds} s.",
  "quickstart.portal": "Un portail, auquel personne n'est obligé de faire confiance",
  "quickstart.profile": "Alice crée un profil sur son ordinateur portable, et un compte pour ce profil",
  "quickstart.split":
    "Elle divise la clé de séquestre en 3 parts, dont 2 suffisent, et efface la clé maîtresse de l'ordinateur portable",
  "quickstart.connect": "Son téléphone demande à être connecté. Il faut lui dire quel profil il doit trouver",
  "quickstart.complete": "Elle en fait un administrateur. Il faut pour cela la clé maîtresse, donc deux parts",
  "quickstart.remove": "Elle retire le téléphone, avec deux parts, et le téléphone l'apprend",
  "quickstart.recover":
    "L'ordinateur portable est perdu. Sur un nouvel ordinateur de bureau, deux parts suffisent à récupérer le profil",
  "quickstart.thief": "La personne qui a l'ordinateur portable en a les clés, mais il n'administre plus rien",
  "quickstart.verify": "Ce que le portail présente est vérifié jusqu'à la clé maîtresse",
};
