import tseslint from "typescript-eslint";

/** Forbids imports that would turn the one-way order of the layers around. */
const forbid = (files, patterns, message) => ({
  files,
  rules: {
    "no-restricted-imports": ["error", { patterns: patterns.map((regex) => ({ regex, message })) }],
  },
});

export default tseslint.config(
  { ignores: ["dist", "node_modules", "coverage"] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { ignoreRestSiblings: true, argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      // Names are compared and cut by code points on purpose.
      "@typescript-eslint/no-misused-spread": "off",
      "@typescript-eslint/only-throw-error": ["error", { allowThrowingUnknown: true }],
      "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true, named: true } }],
      "no-restricted-globals": ["error", { name: "process", message: "Only src/deps.ts touches the process." }],
    },
  },
  { files: ["src/deps.ts", "bin/**", "scripts/**", "test/**"], rules: { "no-restricted-globals": "off" } },
  { files: ["bin/**"], rules: { "@typescript-eslint/no-require-imports": "off" } },
  {
    files: ["test/**"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
  {
    files: ["eslint.config.js", "*.config.ts", "bin/**", "scripts/**", "test/bench/**"],
    ...tseslint.configs.disableTypeChecked,
  },
  { files: ["eslint.config.js", "vitest.config.ts"], rules: { "no-restricted-exports": "off" } },
  forbid(
    ["src/mesh/**"],
    ["^node:(?!crypto$)", "/(keystore|client|portal|cli)/", "/(deps|main)\\.js$"],
    "src/mesh is pure: it imports only errors, libraries and node:crypto.",
  ),
  forbid(["src/keystore/**"], ["/(client|portal|cli)/", "/main\\.js$"], "The keystore knows only the Mesh."),
  forbid(
    ["src/client/**"],
    ["/(keystore|cli)/", "/main\\.js$"],
    "The client knows the Mesh; the portal it reaches by dynamic import.",
  ),
  forbid(["src/portal/**"], ["/(client|keystore|cli)/", "/main\\.js$"], "The portal knows only the Mesh."),
);
