import { defineConfig, type UserConfig } from 'tsdown';

/**
 * Parts of dockerode that only a remote engine over ssh or a BuildKit session uses. Neither is supported, they hold native
 * code and read files beside themselves, so the bundle gets an empty module in their place. commander starts no programs for
 * us, and node:child_process costs more than the rest of `--help`.
 */
const left = /^(ssh2|cpu-features|@grpc\/grpc-js|@grpc\/proto-loader|protobufjs)$/;
const isLeftOut = (id: string, importer = ''): boolean =>
  left.test(id) || (/^(node:)?child_process$/.test(id) && importer.includes('/node_modules/commander/'));
const leaveOut = {
  name: 'leave-out',
  resolveId: (id: string, importer: string | undefined) =>
    isLeftOut(id, importer) ? `\0left-out:${id}` : null,
  load: (id: string) => (id.startsWith('\0left-out:') ? 'module.exports = {};' : null),
};

/**
 * Fewer files to read: what `--help` needs is one, what the reading commands share (and every other command too) a second.
 * Libraries that they do without stay in chunks of their own.
 */
const chunks = {
  groups: [
    {
      name: 'base',
      test: /\/src\/(cli\/(start|main|program|manual|argv|output|progress)|errors|core\/(printable|time))\.ts|\/node_modules\/commander\//,
      priority: 20,
    },
    {
      name: 'read',
      test: /\/src\/(headjack|core\/|process\/|session\/(?!pump)|logs\/(?!writer)|config\/(paths|path-value|settings|flags)|catalog\/(?!schema)|container\/(engine-(http|list|exec)|endpoint|labels|streams|exec-exit)|git\/(discover|metadata)|operations\/(find-|ps|logs|session-states|reconcile\/instance-state)|cli\/(table|public-entry))|\/migrations\//,
      priority: 10,
    },
  ],
};

/**
 * `--` keeps Node from taking flags of ours for its own: Node 20 reads `--env-file` wherever it stands. To Node the second line
 * is a string and a comment.
 */
const shebang = '#!/usr/bin/env sh\n":" //; exec node -- "$0" "$@"';

const shared = {
  platform: 'node',
  target: 'node20.19',
  sourcemap: false,
  logLevel: 'error',
} satisfies UserConfig;
const bundled = {
  ...shared,
  format: 'cjs', // 4–7 ms sooner than ESM on Node 20, and no node:http facade
  minify: true,
  dts: false,
  fixedExtension: true,
  plugins: [leaveOut],
  // its UMD build requires its parts by a computed name
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  deps: { alwaysBundle: [/./], onlyBundle: false },
} satisfies UserConfig;

export default defineConfig([
  {
    ...bundled,
    entry: { hjk: 'src/cli/hjk.ts' },
    outDir: 'dist/cli',
    outputOptions: {
      codeSplitting: chunks,
      postBanner: (chunk: { isEntry: boolean }) => (chunk.isEntry ? shebang : ''),
    },
  },
  {
    ...bundled,
    entry: { pump: 'src/session/pump-main.ts' },
    outDir: 'dist/pump',
    outputOptions: { codeSplitting: false },
  },
  {
    ...bundled,
    entry: { engine: 'src/devcontainer/shim-main.ts' },
    outDir: 'dist/devcontainer',
    outputOptions: { codeSplitting: false },
  },
  { ...shared, entry: { index: 'src/index.ts' }, format: 'esm', dts: true, outDir: 'dist/lib' },
]);
