import type { Wording } from "../catalogue.js";
import type { help as english } from "../en/help.js";

export const help: Wording<typeof english> = {
  "usage.not-whole": "La valeur de {option}, {text}, n'est pas un nombre entier permis.",
  "usage.empty-value": "La valeur de {option} est vide.",
  "usage.timeout": "Le délai doit être d'une seconde au moins.",
  "usage.required-mark": "(obligatoire)",
  "usage.option-required": "L'option {option} est obligatoire.",
  "usage.for-example": "Par exemple : {command}",
  "usage.examples": "Exemples :",
  "usage.options-for-all": "Options communes à toutes les commandes : meshman --help",
  "usage.title-usage": "Syntaxe :",
  "usage.title-arguments": "Arguments :",
  "usage.title-options": "Options :",
  "usage.title-commands": "Commandes :",
  "usage.no-command": "Cette commande n'existe pas.",
  "usage.see-help": "Voyez `{command}`.",
  "usage.one-place": "De {first} et {second}, une seule peut être donnée.",
  "usage.command-needed": "Il faut une commande.",
  "usage.verb-needed": "`meshman {noun}` doit être suivi d'un verbe.",
  "usage.one-of": "Au choix : {verbs}.",
  "usage.did-you-mean": "Vouliez-vous dire {nearest} ?",
  "usage.unknown-option": 'L\'option "{word}" est inconnue.',
  "usage.unknown-command": 'La commande "{word}" est inconnue.',
  "usage.missing-argument": 'L\'argument "{word}" manque.',
  "usage.missing-value": 'L\'option "{word}" doit avoir une valeur.',
  "usage.too-many-words": "La ligne contient plus de mots que la commande n'en accepte.",
  "usage.wrong": "La ligne de commande est incorrecte : {text}",
  "help.description":
    "Gère un profil du Mathematical Mesh : une identité dont chaque appareil a sa propre clé, et qui survit à la perte de tous les appareils.",
  "help.version": "afficher la version",
  "help.help-option": "afficher l'aide",
  "help.help-command": "afficher l'aide d'une commande",
  "help.option.no-passphrase":
    "garder la clé du magasin de clés dans un fichier à côté de lui, sans phrase secrète ; avec --keystore-key-file, c'est cette clé qui le protège",
  "help.option.share-file": "fichier d'une part de récupération ; une fois pour chaque part",
  "help.option.entry-file": "fichier de l'entrée de séquestre, écrit à côté des parts",
  "help.option.expect-fingerprint": "échouer si ce n'est pas ce profil",
  "help.option.device-name": "nom de cet appareil, qui devient public (par défaut : le nom de la machine)",
  "help.device.connect.summary": "demander la connexion de cet appareil à un profil",
  "help.device.connect.description":
    "Crée les clés de cet appareil, demande qu'il soit connecté et affiche un code de vérification. La demande est acceptée sur l'appareil d'administration, en y saisissant ce code. Relancée, la commande continue avec les mêmes clés et le même code. Avec --wait, le code de sortie est 0 si la demande est acceptée, 5 si elle est refusée, 8 si elle est en attente.",
  "help.device.connect.address": "compte auquel se connecter, par exemple alice@example.com",
  "help.device.connect.pin-file":
    "fichier du PIN d'une invitation, par lequel le profil est reconnu et l'appareil accepté ; - pour l'entrée standard",
  "help.device.connect.pin-fd": "descripteur de fichier où lire ce PIN",
  "help.device.connect.trust-on-first-use": "accepter le profil que le portail présente, quel qu'il soit",
  "help.device.connect.wait": "attendre la réponse (par défaut : 300)",
  "help.device.pending.summary": "lister les appareils qui demandent à être connectés",
  "help.device.pending.description":
    "Affiche chaque appareil en attente avec son code de vérification, le moment de sa demande, celui où elle expire, et s'il présente le PIN d'une invitation.",
  "help.device.invite.summary": "faire entrer des appareils qui reçoivent un PIN",
  "help.device.invite.description":
    "Crée un PIN, et affiche la commande pour le nouvel appareil. Toute personne qui connaît le PIN peut connecter un appareil jusqu'à ce que l'invitation soit épuisée ou expire ; `meshman device approve` l'accepte ensuite sans que personne compare de codes. L'invitation est publique dans le profil, le PIN ne l'est pas.",
  "help.device.invite.uses": "nombre d'appareils qui peuvent entrer ainsi (par défaut : 1)",
  "help.device.invite.expires": "durée de validité : 90s, 15m, 8h ou 2d (par défaut : 15m)",
  "help.device.invite.name": "nom de l'appareil, qui devient public",
  "help.device.invite.admin":
    "faire de l'appareil un appareil d'administration ; nécessite la clé maîtresse quand il est accepté",
  "help.device.invite.device-expires":
    "durée pendant laquelle l'appareil appartient ensuite au profil (par défaut : sans limite)",
  "help.device.invite.out": "écrire le PIN dans ce nouveau fichier au lieu de l'afficher",
  "help.device.approve.summary": "accepter les appareils qui présentent le PIN d'une invitation",
  "help.device.approve.description":
    "Accepte chaque appareil en attente qui prouve qu'il connaît le PIN d'une invitation, ou qui prend la place d'un appareil qui n'est pas administrateur et l'a signé. Tous les autres sont laissés de côté et nommés avec le motif. Si la commande est interrompue, la relancer la termine.",
  "help.device.approve.watch": "continuer à regarder, jusqu'à ^C ou à la fin de --for",
  "help.device.approve.for": "combien de temps regarder : 90s, 15m, 8h ou 2d",
  "help.device.complete.summary": "répondre à un appareil qui demande à être connecté",
  "help.device.complete.description":
    "Ajoute au profil l'appareil qui a ce code de vérification. Comparez le code avec celui qu'affiche l'écran de l'appareil. Si la commande est interrompue, la relancer la termine.",
  "help.device.complete.code": "code de vérification qu'affiche le nouvel appareil ; demandé s'il y a un terminal",
  "help.device.complete.refuse": "refuser l'appareil",
  "help.device.complete.admin": "en faire un appareil d'administration ; nécessite la clé maîtresse",
  "help.device.complete.name": "nom de l'appareil, qui devient public",
  "help.profile.summary": "créer et afficher des profils, et y mettre fin",
  "help.profile.description":
    "Un profil est l'identité d'une personne : une clé maîtresse, les appareils qui en dépendent, et ceux qui les administrent.",
  "help.profile.create.summary": "créer un profil sur cet appareil",
  "help.profile.create.description":
    "Crée les clés maîtresses et celles de cet appareil, et les garde dans le magasin de clés. Rien n'est publié. Cet appareil devient le premier appareil d'administration.",
  "help.profile.create.name": "nom du profil sur cet appareil (par défaut : default)",
  "help.profile.show.summary": "afficher le profil tel que cet appareil le connaît",
  "help.profile.show.description":
    "Ne nécessite ni phrase secrète ni réseau. Affiche la commande qui connecte un autre appareil.",
  "help.profile.list.summary": "lister les profils de cet appareil",
  "help.profile.use.summary": "choisir le profil par défaut",
  "help.profile.use.name": "nom ou UDF d'un profil",
  "help.profile.verify.summary": "vérifier le profil que présentent les portails",
  "help.profile.verify.description":
    "Récupère le profil de chaque compte, vérifie chaque signature jusqu'à la clé maîtresse, et le compare à la version la plus récente vue auparavant. Le code de sortie est 7 si quelque chose est incorrect.",
  "help.profile.export.summary": "afficher les enregistrements publics du profil, ou sauvegarder ses clés privées",
  "help.profile.export.description":
    "Sans --private, affiche ce qui est public. Avec --private, écrit tout ce que cet appareil garde du profil, clés privées comprises, dans un fichier protégé par une phrase secrète qui lui est propre. `meshman profile import` en restaure cet appareil même ; pour ajouter un appareil, utilisez `meshman device connect`.",
  "help.profile.export.format":
    "json : les enregistrements signés ; pem : les certificats, à commencer par celui de la clé maîtresse (par défaut : json)",
  "help.profile.export.private": "écrire une sauvegarde, avec les clés privées",
  "help.profile.export.out": "fichier où écrire la sauvegarde ; il ne doit pas exister",
  "help.profile.import.summary": "restaurer un appareil d'un profil depuis une sauvegarde",
  "help.profile.import.description":
    "Lit une sauvegarde écrite par `meshman profile export --private`, montre ce qu'elle contient, demande une confirmation, et installe sur cette machine l'appareil qui s'y trouve. Ce que cette machine sait de plus récent demeure : la dernière version vue du profil ne recule jamais. Si la commande est interrompue, la relancer la termine.",
  "help.profile.import.file": "sauvegarde à restaurer",
  "help.profile.import.replace":
    "prendre la place de l'appareil que cette machine est à présent, si elle a déjà le profil",
  "help.profile.import.name": "nom du profil sur cet appareil (par défaut : celui de la sauvegarde)",
  "help.option.backup-passphrase-file": "fichier qui contient la phrase secrète de la sauvegarde",
  "help.option.backup-passphrase-fd": "descripteur de fichier où lire la phrase secrète de la sauvegarde",
  "help.profile.revocation.summary": "écrire une note qui peut plus tard mettre fin au profil",
  "help.profile.revocation.description":
    "Signe une note de révocation avec la clé maîtresse et l'écrit dans un fichier. La personne qui détient la note peut mettre fin au profil définitivement avec `meshman profile revoke` : gardez-la donc hors ligne.",
  "help.profile.revocation.out": "fichier où écrire la note",
  "help.profile.revoke.summary": "publier une note de révocation : mettre fin à un profil définitivement",
  "help.profile.revoke.description":
    "Rien du profil n'est valide ensuite, et il n'y a pas de retour en arrière. Demande d'abord une confirmation ; --yes la donne.",
  "help.profile.revoke.file": "note de révocation, créée par `meshman profile revocation`",
  "help.profile.delete.summary": "retirer de cet appareil les clés d'un profil",
  "help.profile.delete.description":
    "Retire ce que cet appareil garde du profil. Ses comptes et ses autres appareils restent tels quels.",
  "help.profile.delete.name": "profil à supprimer (par défaut : le profil par défaut)",
  "help.profile.delete.confirm": "le nom du profil, saisi une seconde fois",
  "help.account.summary": "créer et gérer des comptes sur des portails",
  "help.account.description":
    "Un compte, par exemple alice@example.com, est l'endroit où un portail garde les enregistrements signés d'un profil.",
  "help.account.validate.summary": "demander à un portail si un nom est disponible",
  "help.account.validate.description":
    "Ne nécessite pas de profil. Le code de sortie est 0 si le nom est valide et libre, 5 sinon.",
  "help.account.validate.address": "adresse de compte à vérifier",
  "help.account.create.summary": "créer un compte et y publier le profil",
  "help.account.create.description":
    "Créer de nouveau un compte pour le même profil ne change rien, et termine ce qui a été interrompu.",
  "help.account.create.address": "adresse du compte à créer",
  "help.account.list.summary": "lister les comptes que cet appareil connaît",
  "help.account.status.summary": "demander au portail l'état d'un compte",
  "help.account.status.address": "compte (par défaut : le premier du profil)",
  "help.account.delete.summary": "supprimer un compte définitivement",
  "help.account.delete.description":
    "Le nom ne peut plus être utilisé. Le profil demeure, avec ses appareils et ses autres comptes.",
  "help.account.delete.address": "compte à supprimer",
  "help.account.delete.confirm": "l'adresse, saisie une seconde fois",
  "help.device.summary": "connecter, lister et retirer des appareils",
  "help.device.description": "Chaque appareil a ses propres clés, qui ne le quittent jamais.",
  "help.device.status.summary": "indiquer si cet appareil est connecté",
  "help.device.status.description":
    "Le code de sortie est 0 si l'appareil est accepté, 8 s'il est en attente, 5 s'il est refusé, expiré ou retiré, et 3 s'il n'a jamais fait de demande.",
  "help.device.list.summary": "lister les appareils du profil",
  "help.device.show.summary": "afficher un appareil et ses clés publiques",
  "help.device.show.device": "nom ou UDF d'un appareil (par défaut : celui-ci)",
  "help.device.remove.summary": "retirer un appareil du profil",
  "help.device.remove.description":
    "Chaque application que l'appareil pouvait lire est chiffrée à nouveau sans lui ; `meshman app exposure` montre ce qu'il a pu voir. Retirer un appareil d'administration ouvre une nouvelle époque du profil, et nécessite donc la clé maîtresse : sur cet appareil, ou à partir des parts de récupération.",
  "help.device.remove.device": "nom ou UDF d'un appareil",
  "help.escrow.summary": "diviser les clés maîtresses en parts, et les récupérer",
  "help.escrow.description":
    "Les clés maîtresses sont mises sous séquestre au portail, chiffrées avec une clé qui est divisée en parts. Assez de parts permettent de récupérer le profil ; moins de parts ne révèlent rien.",
  "help.escrow.split.summary": "mettre les clés maîtresses sous séquestre et diviser la clé de séquestre",
  "help.escrow.split.description":
    "Prouve que les parts fonctionnent avant de les afficher. Les anciennes parts restent utilisables tant qu'il existe une copie de leur entrée de séquestre.",
  "help.escrow.split.shares": "nombre de parts à créer",
  "help.escrow.split.threshold": "nombre de parts qui suffisent à récupérer le profil",
  "help.escrow.split.out": "dossier où écrire les parts et l'entrée de séquestre ; sinon elles sont affichées",
  "help.escrow.split.erase-master": "effacer ensuite les clés maîtresses de cet appareil",
  "help.escrow.verify.summary": "vérifier que des parts redonnent les clés maîtresses",
  "help.escrow.verify.description":
    "Les parts viennent de --share-file ou de l'entrée standard (une part par ligne), ou bien sont demandées. Ne modifie rien.",
  "help.escrow.recover.summary": "récupérer un profil à partir de ses parts",
  "help.escrow.recover.description":
    "Publie une nouvelle époque dont cet appareil est le seul administrateur ; les administrateurs précédents n'ont plus aucun pouvoir. Les applications du profil reviennent aussi ; le code de sortie est 7 si l'une d'elles ne se laisse pas vérifier. Les autres appareils restent connectés et sont listés. Si cet appareil a déjà le profil, seules les clés maîtresses sont récupérées.",
  "help.escrow.recover.name": "nom du profil sur cet appareil (par défaut : default)",
  "help.escrow.recover.new-epoch": "faire de cet appareil le seul administrateur, même s'il a déjà le profil",
  "help.escrow.recover.drop-devices": "retirer tous les autres appareils en une fois",
  "help.portal.summary": "faire fonctionner un portail, ou en interroger un",
  "help.portal.description":
    "Un portail garde les enregistrements signés et chiffrés des comptes. Rien ne repose sur la confiance en lui.",
  "help.portal.serve.summary": "servir des comptes par HTTP",
  "help.portal.serve.description":
    "Crée la base de données et la clé de son journal si elles n'existent pas, et affiche l'adresse où il écoute et cette clé quand il est prêt. Il parle https s'il a un certificat ; sinon, placez-le derrière un serveur mandataire qui le fait. SIGTERM l'arrête une fois que les requêtes en cours ont reçu leur réponse, et SIGHUP lui fait relire son certificat.",
  "help.portal.serve.listen": "adresse d'écoute (par défaut : 127.0.0.1:8080)",
  "help.portal.serve.domain": "domaine dont il dessert les comptes ; peut être répété (par défaut : tous les domaines)",
  "help.portal.serve.authority": "autre nom sous lequel les clients le joignent ; peut être répété",
  "help.portal.serve.transfer-token-file": "fichier du jeton avec lequel des pairs peuvent récupérer le journal entier",
  "help.portal.serve.store":
    "endroit où les enregistrements sont gardés : sqlite:PATH ou postgres://USER@HOST/DATABASE (par défaut : dans le dossier de meshman)",
  "help.portal.serve.store-file": "fichier contenant l'adresse de la base de données, si elle comporte un mot de passe",
  "help.portal.serve.log-key-file":
    "fichier de la clé qui signe le journal du portail (par défaut : à côté du fichier SQLite)",
  "help.portal.serve.log-origin":
    "nom du journal du portail, au moment où sa clé est créée (par défaut : un nom aléatoire)",
  "help.portal.serve.public-log": "donner le journal des enregistrements publics à quiconque le demande",
  "help.portal.serve.tls-cert":
    "fichier du certificat pour https, suivi de ceux qui mènent à son autorité, au format PEM",
  "help.portal.serve.tls-key": "fichier de la clé privée du certificat, au format PEM",
  "help.portal.serve.rate": "requêtes par minute d'une sorte, sous la forme KIND=N ou KIND=none ; peut être répété",
  "help.portal.serve.quota":
    "place que peuvent prendre les enregistrements d'un profil, sous la forme bytes=N, records=N ou accounts=N ; peut être répété",
  "help.portal.serve.client-address-header":
    "en-tête où un serveur mandataire de confiance dit pour qui il demande, par exemple X-Forwarded-For",
  "help.portal.serve.trusted-proxy":
    "adresse ou réseau d'un serveur mandataire dont l'en-tête compte ; peut être répété",
  "help.portal.serve.metrics-listen":
    "adresse pour /metrics, /healthz et /readyz ; un port seul est un port de 127.0.0.1 (par défaut : pas de mesures)",
  "help.portal.serve.log-format":
    "manière de dire ce qu'il fait, sur l'erreur standard : json, text ou none (par défaut : text, et seulement ce qui va mal)",
  "help.portal.serve.log-level": "le moins qu'il dise : error, warn, info ou debug",
  "help.portal.serve.log-addresses": "dire aussi les adresses des clients",
  "help.portal.serve.log-accounts": "dire aussi les comptes",
  "help.portal.serve.workers": "processus qui se partagent le travail (par défaut : 1)",
  "help.portal.serve.config": "fichier JSON dont les membres ont les noms de ces options ; les options l'emportent",
  "help.portal.fsck.summary": "vérifier toute la base de données d'un portail d'après son journal",
  "help.portal.fsck.description":
    "Lit tous les enregistrements, comptes et résultats, toutes les feuilles et toutes les tuiles, et vérifie que chacun est ce que dit le journal signé, et que la base de données elle-même est intacte. Fonctionne pendant que le portail est en service, et ne change rien. Le code de sortie est 7 si quelque chose ne va pas, et 1 (`state-corrupt`) si le fichier est trop abîmé pour être vérifié.",
  "help.portal.stats.summary": "compter ce que contient la base de données d'un portail",
  "help.portal.stats.description": "Donne des nombres et aucun nom. Fonctionne pendant que le portail est en service.",
  "help.portal.suspend.summary": "suspendre un compte de ce portail, ou le rouvrir",
  "help.portal.suspend.description":
    "Le profil d'un compte suspendu reste visible. Tout changement du compte est refusé, et rien n'en est perdu. Le journal du portail le dit. Fonctionne pendant que le portail est en service. Le code de sortie est 3 si le compte n'existe pas, et 5 s'il a été supprimé.",
  "help.portal.suspend.address": "le compte",
  "help.portal.suspend.reopen": "le rouvrir",
  "help.portal.keys.summary": "montrer les clés du journal d'un portail, ou lui en donner une nouvelle",
  "help.portal.keys.description":
    "Seul le fichier de clés permet de signer le journal : gardez-en une copie ailleurs, et refaites-la après chaque --rotate. Fonctionne pendant que le portail sert ; les processus qui le servent suivent s'ils lisent le même fichier. Les clients suivent aussi, car l'ancienne clé signe la nouvelle. Le code de sortie de --rotate est 5 si le fichier ne contient pas la clé actuelle.",
  "help.portal.keys.rotate": "faire une nouvelle clé et l'ajouter au fichier de clés",
  "help.portal.migrate.summary": "mettre la base de données d'un portail au niveau de ce meshman",
  "help.portal.migrate.description":
    "D'ici là une base plus ancienne est refusée, et il n'y a pas de retour : arrêtez le portail et copiez-la d'abord. Le code de sortie est 5 si un meshman plus récent l'a écrite.",
  "help.portal.migrate.check": "dire seulement si elle l'est : le code de sortie est 0 ou 5",
  "help.portal.backup.summary": "écrire une sauvegarde de la base de données d'un portail",
  "help.portal.backup.description":
    "Écrit un instant de toute la base de données dans un nouveau fichier que vous seul pouvez lire, pendant que le portail est en service. Les sauvegardes de SQLite et de PostgreSQL sont les mêmes. La clé du journal n'y est pas.",
  "help.portal.backup.file": "nouveau fichier",
  "help.portal.restore.summary": "restaurer une sauvegarde dans une nouvelle base de données",
  "help.portal.restore.description":
    "La base de données peut être d'une autre sorte que celle qui a été sauvegardée, et doit être vide ou ne pas exister. Tout est vérifié avant qu'elle puisse servir. Un journal ne doit jamais reculer derrière une tête qu'il a signée ; dites donc ce qu'il en est : --latest ou --new-log. Le code de sortie est 7 pour une sauvegarde endommagée.",
  "help.portal.restore.file": "fichier écrit par `meshman portal backup`",
  "help.portal.restore.latest": "rien n'a été signé après cette sauvegarde : continuer avec son journal",
  "help.portal.restore.new-log":
    "commencer un nouveau journal avec une nouvelle clé : pour les clients, c'est un autre portail",
  "help.portal.hello.summary": "demander à un portail ce qu'il sait faire",
  "help.portal.hello.url": "portail à interroger (par défaut : celui du premier compte)",
  "help.keystore.summary": "gérer les clés de cet appareil",
  "help.keystore.description":
    "Le magasin de clés contient les clés privées de cet appareil, chacune chiffrée. Il s'ouvre avec une phrase secrète, le trousseau du système, un fichier de clé ou une clé donnée.",
  "help.keystore.status.summary": "indiquer comment les clés sont gardées, et lesquelles existent",
  "help.keystore.status.description": "Ne nécessite pas de phrase secrète.",
  "help.keystore.unlock.summary": "garder le magasin de clés ouvert pour un temps",
  "help.keystore.unlock.description":
    "Démarre un processus qui garde en mémoire la clé du magasin de clés, pour que les commandes ne demandent pas la phrase secrète jusqu'à la fin du délai ou jusqu'à `meshman keystore lock`. Relancée, la commande fait repartir le délai. Inutile si le magasin de clés a un fichier de clé à côté de lui.",
  "help.keystore.unlock.for": "durée, par exemple 90s, 15m ou 8h, et au plus 24h (par défaut : 15m)",
  "help.keystore.lock.summary": "refermer le magasin de clés",
  "help.keystore.lock.description": "Arrête le processus que `meshman keystore unlock` a démarré, s'il y en a un.",
  "help.keystore.passwd.summary": "changer la phrase secrète",
  "help.keystore.passwd.description":
    "L'ancienne phrase secrète vient des options habituelles, ou bien est demandée. À côté d'un trousseau, seule la phrase secrète change ; toute autre protection est remplacée par la phrase secrète.",
  "help.keystore.passwd.new-passphrase-file": "fichier qui contient la nouvelle phrase secrète",
  "help.keystore.passwd.new-passphrase-fd": "descripteur de fichier où lire la nouvelle phrase secrète",
  "help.keystore.passwd.no-passphrase": "garder désormais la clé du magasin de clés dans un fichier",
  "help.keystore.check.summary": "vérifier que tout ce qui est gardé ici est utilisable",
  "help.keystore.check.description":
    "Ouvre le magasin de clés et chaque clé qu'il contient, et vérifie que chacune est celle que dit son nom, que personne n'a modifié ce qui a été noté des profils et des portails, et que les profils gardés ici sont entiers. Ne modifie rien. Le code de sortie est 7 si quelque chose est incorrect.",
  "help.keystore.protect.summary": "choisir ce qui ouvre le magasin de clés",
  "help.keystore.protect.description":
    "Donne au magasin de clés une autre protection ; les clés qu'il contient ne changent pas. passphrase : demandée, ou donnée par une option. keyring : gardée par le trousseau du système, avec une phrase secrète pour le cas où il ne répond pas. key-file : un fichier à côté du magasin de clés, ou celui de PATH, sur une clé USB par exemple. key : 32 octets donnés à chaque utilisation, pour les machines. Quel que soit le moment d'une interruption, le magasin de clés s'ouvre de l'ancienne manière ou de la nouvelle.",
  "help.keystore.protect.method": "passphrase, keyring, key-file ou key",
  "help.keystore.protect.path": "endroit où créer le fichier de clé (par défaut : à côté du magasin de clés)",
  "help.keystore.protect.new-key-file": "fichier qui contient la nouvelle clé",
  "help.keystore.protect.new-key-fd": "descripteur de fichier où lire la nouvelle clé",
  "help.setup.summary": "tout mettre en place, pas à pas",
  "help.setup.description":
    "Demande un nom, une phrase secrète, et une adresse ou un portail sur cette machine, et propose des parts et une note de révocation.",
  "help.status.summary": "afficher la situation sur cet appareil",
  "help.status.description": "Ne nécessite ni phrase secrète ni réseau.",
  "help.doctor.summary": "chercher ce qui ne va pas, et indiquer comment y remédier",
  "help.doctor.description":
    "Examine le dossier de meshman, le magasin de clés, chaque profil, l'horloge et les portails. Ne déverrouille rien et ne modifie rien. Les portails ont 5 secondes pour répondre, sauf indication contraire avec --timeout. Le code de sortie est 1 s'il y a un problème.",
  "help.doctor.offline": "n'interroger aucun portail et aucun service de noms",
  "help.verify.summary": "vérifier des enregistrements signés",
  "help.verify.description":
    "Contrôle chaque signature, y compris celles des enregistrements imbriqués. Les clés de tous les fichiers sont mises en commun. Le code de sortie est 7 si l'une des signatures est incorrecte.",
  "help.verify.file":
    "fichiers d'enregistrements : seuls, en tableaux, exportations, anciens fichiers .jlog ; - pour l'entrée standard",
  "help.udf.summary": "afficher l'empreinte (UDF) d'un fichier",
  "help.udf.file": "fichier dont calculer l'empreinte, ou - pour l'entrée standard",
  "help.udf.content-type": "type de média des données (par défaut : application/octet-stream)",
  "help.udf.bits": "longueur, de 100 à 500 par pas de 20 (par défaut : 140)",
  "help.quickstart.summary": "voir toute l'histoire sur cette machine",
  "help.quickstart.description":
    "Démarre un portail sur un port local et montre le profil, le compte, le second appareil, le séquestre et la récupération dans des dossiers temporaires. Rien de ce qui vous appartient n'est touché.",
  "help.quickstart.keep": "laisser les fichiers et dire où ils sont",
  "help.connect.summary": "identique à `device connect`",
  "help.pending.summary": "identique à `device pending`",
  "help.complete.summary": "identique à `device complete`",
  "help.option.json": "afficher un seul document JSON, quoi qu'il arrive",
  "help.option.home": "dossier des clés et de l'état (MESHMAN_HOME)",
  "help.option.profile": "profil à utiliser, par nom ou par UDF (MESHMAN_PROFILE)",
  "help.option.account": "compte à utiliser, si un profil en a plusieurs",
  "help.option.portal": "portail : https://..., http://..., local ou file:PATH (MESHMAN_PORTAL)",
  "help.option.allow-http": "permettre que des portails http:// soient ailleurs que sur cette machine",
  "help.option.accept-gap": "continuer si un portail ne peut pas montrer les versions intermédiaires",
  "help.option.ca": "certificats auxquels faire confiance pour https, au format PEM",
  "help.option.passphrase-file": "fichier qui contient la phrase secrète (MESHMAN_PASSPHRASE_FILE)",
  "help.option.passphrase-fd": "descripteur de fichier où lire la phrase secrète",
  "help.option.keystore-key-file":
    "fichier de la clé d'un magasin de clés qu'une clé protège, ou doit protéger (MESHMAN_KEYSTORE_KEY_FILE)",
  "help.option.keystore-key-fd": "descripteur de fichier où lire la clé du magasin de clés",
  "help.option.no-input": "ne jamais poser de question ; échouer plutôt avec le code de sortie 2",
  "help.option.yes": "répondre oui aux simples confirmations",
  "help.option.quiet": "aucun message sur la sortie d'erreur, sauf les erreurs",
  "help.option.verbose": "en dire davantage sur la sortie d'erreur",
  "help.option.timeout": "délai maximal d'une requête (par défaut : 30)",
  "help.option.language": "langue des messages : en, fr ou de (par défaut : selon l'environnement)",
  "help.option.no-color": "pas de couleur (NO_COLOR)",
};
