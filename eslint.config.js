import tseslint from 'typescript-eslint';

const importOnlyIn = (name, places) => ({
  files: ['src/**/*.ts', 'migrations/**/*.ts'],
  ignores: places,
  packages: [name],
});

/** One importer (or one small family of adapters) per third-party package. */
const importers = [
  importOnlyIn('commander', ['src/cli/**']),
  importOnlyIn('dockerode', ['src/container/dockerode-runtime.ts']),
  importOnlyIn('tar-stream', ['src/container/archive.ts']),
  importOnlyIn('simple-git', ['src/git/simple-git-repository.ts']),
  importOnlyIn('proper-lockfile', ['src/catalog/lock/**']),
  importOnlyIn('yaml', ['src/config/**', 'src/cli/commands/config.ts', 'src/devcontainer/compose.ts']),
  importOnlyIn('zod', ['src/config/schema.ts', 'src/catalog/schema.ts', 'src/git/snapshot-message.ts']),
  importOnlyIn('jsonc-parser', ['src/devcontainer/config.ts']),
];

/** cli → operations → ports → core: what each folder must not import. */
const layers = [
  {
    folder: 'core',
    banned: [
      'cli',
      'operations',
      'config',
      'catalog',
      'git',
      'container',
      'session',
      'logs',
      'agents',
      'process',
    ],
  },
  {
    folder: 'process',
    banned: ['cli', 'operations', 'config', 'catalog', 'git', 'container', 'session', 'logs', 'agents'],
  },
  {
    folder: 'catalog',
    banned: ['cli', 'operations', 'config', 'git', 'container', 'session', 'logs', 'agents'],
  },
  {
    folder: 'config',
    banned: ['cli', 'operations', 'catalog', 'git', 'container', 'session', 'logs', 'agents'],
  },
  {
    folder: 'git',
    banned: ['cli', 'operations', 'config', 'catalog', 'container', 'session', 'logs', 'agents'],
  },
  {
    folder: 'git-directory',
    banned: ['cli', 'operations', 'config', 'catalog', 'session', 'logs', 'agents'],
  },
  {
    folder: 'container',
    banned: ['cli', 'operations', 'config', 'catalog', 'git', 'session', 'logs', 'agents', 'devcontainer'],
  },
  {
    folder: 'devcontainer',
    banned: ['cli', 'operations', 'config', 'catalog', 'git', 'session', 'logs', 'agents'],
  },
  {
    folder: 'logs',
    banned: ['cli', 'operations', 'config', 'catalog', 'git', 'container', 'session', 'agents'],
  },
  { folder: 'session', banned: ['cli', 'operations', 'config', 'git', 'agents'] },
  { folder: 'agents', banned: ['cli', 'operations', 'catalog', 'git', 'container', 'session', 'logs'] },
  { folder: 'operations', banned: ['cli'] },
];

const packagesBannedAt = file =>
  importers.filter(
    ({ ignores }) =>
      !ignores.some(
        place => file === place || (place.endsWith('/**') && file.startsWith(place.slice(0, -2))),
      ),
  );

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'test/fixtures'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['eslint.config.js', 'test/faults/preload.cjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/only-throw-error': 'off', // AbortSignal.reason is what is to be thrown
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
    },
  },
  ...layers.map(({ folder, banned }) => ({
    files: [`src/${folder}/**/*.ts`],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: banned.map(name => `**/${name}/**`), message: 'This layer must not know that one.' },
            ...packagesBannedAt(`src/${folder}/any.ts`).map(({ packages }) => ({
              group: packages,
              message: 'This package has another importer.',
              allowTypeImports: true,
            })),
          ],
        },
      ],
    },
  })),
  {
    // the adapters themselves
    files: importers.flatMap(({ ignores }) => ignores.filter(place => place.endsWith('.ts'))),
    rules: { '@typescript-eslint/no-restricted-imports': 'off' },
  },
  {
    files: ['src/**/*.ts'],
    ignores: [
      'src/cli/start.ts',
      'src/cli/hjk.ts',
      'src/session/pump-main.ts',
      'src/devcontainer/shim-main.ts',
      'src/headjack.ts',
      'src/session/screen.ts',
      'src/session/terminal.ts',
    ],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[object.name='process'][property.name=/^(env|stdout|stderr|exitCode)$/]",
          message: 'Only the entry point and the composition root.',
        },
        {
          selector: "CallExpression[callee.object.name='process'][callee.property.name='exit']",
          message: 'Only the entry point ends the process.',
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**', 'scripts/**'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
    },
  },
  { files: ['**/*.js', '**/*.mjs', '**/*.cjs'], ...tseslint.configs.disableTypeChecked },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
);
