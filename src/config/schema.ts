import * as z from 'zod';
import { splitShellWords } from '../core/shell-words.ts';
import { parseSize } from '../core/size.ts';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** Flags as the original's users write them: `"--a b"`, `[--a, b]`, `{a: b}` (true means the bare flag), `{}`. */
const flags = z.union([
  z.null(),
  z.string().refine(text => splitShellWords(text) !== undefined, 'a quote is not closed'),
  z.array(z.union([z.string(), z.number(), z.boolean()])),
  z.record(z.string(), z.union([scalar, z.array(z.union([z.string(), z.number(), z.boolean()]))])),
]);

const text = z.union([z.string(), z.null()]);
const agent = z.looseObject({
  env: z
    .union([z.null(), z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no variable name'), scalar)])
    .optional(),
  flags: flags.optional(),
});

/** config.yaml. Unknown keys are let through: they warn and survive. */
export const configSchema = z.looseObject({
  default: z
    .looseObject({ agent: text.optional(), base_image: text.optional(), ssh_agent: z.boolean().nullish() })
    .nullish(),
  agents: z.union([z.null(), z.record(z.string(), z.union([z.null(), agent]))]).optional(),
  storage: z
    .looseObject({ worktrees: text.optional(), catalog: text.optional(), logs: text.optional() })
    .nullish(),
  runtime: z
    .looseObject({
      name: text.optional(),
      flags: flags.optional(),
      timeout: z.number().min(1).max(3600).nullish(),
    })
    .nullish(),
  git: z
    .looseObject({ directory: z.enum(['own', 'shared']).nullish(), copy_hooks: z.boolean().nullish() })
    .nullish(),
  devcontainer: z.looseObject({ path: text.optional() }).nullish(),
  sessions: z
    .looseObject({
      tmux_conf: text.optional(),
      log_max_size: z
        .union([
          z.number().int().min(65_536),
          z.string().refine(value => (parseSize(value) ?? 0) >= 65_536, 'is no size of at least 64 KiB'),
        ])
        .nullish(),
    })
    .nullish(),
});

export type ConfigFile = z.infer<typeof configSchema>;
export type FlagsValue = z.infer<typeof flags>;

/** Every key that may be given a value, `*` standing for an agent's or a variable's name. */
export const knownKeys = [
  'default.agent',
  'default.base_image',
  'default.ssh_agent',
  'agents.*.env',
  'agents.*.env.*',
  'agents.*.flags',
  'storage.worktrees',
  'storage.catalog',
  'storage.logs',
  'runtime.name',
  'runtime.flags',
  'runtime.timeout',
  'git.directory',
  'git.copy_hooks',
  'devcontainer.path',
  'sessions.tmux_conf',
  'sessions.log_max_size',
] as const;
