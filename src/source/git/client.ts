import { GitError, GitPluginError, type SimpleGit, simpleGit } from 'simple-git';
import { SourceError } from '../error.ts';
import { fileProblem } from '../trouble.ts';

/** Without a sign of life for this long, git is taken for dead. Fetches report progress, which counts as one. */
const silenceMs = 60_000;
/** The longest that one git command may take, signs of life or not. */
const totalMs = 15 * 60_000;

/**
 * What of the environment reaches git. simple-git drops every GIT_* variable that is not named here: the ones that say
 * how to reach a server are kept, the ones that would point git at another repository (GIT_DIR, GIT_INDEX_FILE: set
 * whenever Muster runs inside a git hook) are not. Servers’ certificates are always verified: no GIT_SSL_NO_VERIFY.
 */
const keptEnvironment = [
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_SSH_VARIANT',
  'GIT_ASKPASS',
  'SSH_ASKPASS',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'GIT_SSL_CERT',
  'GIT_SSL_KEY',
  'GIT_PROXY_COMMAND',
  'GIT_TRACE',
  'GIT_TRACE_PACKET',
  'GIT_EXEC_PATH',
];
/** Configuration by environment, which is how CI systems hand credentials to git. */
const keptConfiguration = /^GIT_CONFIG_(COUNT|KEY_\d+|VALUE_\d+)$/;
const isKept = (name: string): boolean => keptEnvironment.includes(name) || keptConfiguration.test(name);
const ownEnvironment = { GIT_TERMINAL_PROMPT: '0', GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' };

/** Runs one git command in a directory and gives its standard output. Throws `SourceError`, with the url but no credentials. */
export async function runGit(
  command: readonly string[],
  options: { readonly directory: string; readonly url: string; readonly ceiling?: string },
): Promise<string> {
  try {
    return await clientFor(options).raw([...command]);
  } catch (error) {
    throw sourceErrorOf(error, options.url);
  }
}

/** The environment of every git child, also of those that simple-git does not start. */
export function gitEnvironment(ceiling: string | undefined): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && (!name.startsWith('GIT_') || isKept(name))) environment[name] = value;
  }
  return { ...environment, ...ownEnvironment, ...(ceiling !== undefined && { GIT_CEILING_DIRECTORIES: ceiling }) };
}

function clientFor(options: { readonly directory: string; readonly ceiling?: string }): SimpleGit {
  const environment = gitEnvironment(options.ceiling);
  const git = simpleGit({
    baseDir: options.directory,
    // All of it is what `gitEnvironment` let through, and comes from whoever started Muster, not from a config repo.
    allowEnvironment: Object.keys(environment),
    timeout: { block: silenceMs },
    abort: AbortSignal.timeout(totalMs),
    unsafe: {
      allowUnsafeSshCommand: true,
      allowUnsafeAskPass: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeConfigEnvCount: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeUrlRewrite: true,
      allowUnsafeGitProxy: true,
      allowUnsafeExec: true,
      allowUnsafeEditor: true,
      allowUnsafePager: true,
    },
  });
  return git.env(environment);
}

interface Trouble {
  readonly code: string;
  readonly says: RegExp;
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean;
}

/** git has no error codes: its English messages (LC_ALL=C) are what there is. The first that fits decides. */
const troubles: readonly Trouble[] = [
  {
    code: 'MUS1104',
    says: /Host key verification failed/,
    message: 'the SSH host key of the git server is not known, or has changed',
    hint: 'compare the key with the server’s and add it to known_hosts',
    retryable: false,
  },
  {
    code: 'MUS1103',
    says: /does not appear to be a git repository|not a git repository|repository not exported|repository ('.*' )?not found|error: 404|No such file or directory/i,
    message: 'there is no git repository there, or it is not given out',
    hint: 'check the url; for a directory without git give the directory itself',
    retryable: false,
  },
  {
    code: 'MUS1104',
    says: /Authentication failed|Permission denied|could not read (Username|Password)|terminal prompts disabled|error: 40[13]|access denied/i,
    message: 'the git server refused access',
    hint: 'make `git ls-remote` of this url work without a prompt, as the user that runs Muster',
    retryable: false,
  },
  {
    code: 'MUS1103',
    says: /dubious ownership/,
    message: 'git does not read this repository because another user owns it',
    hint: 'run as its owner, or `git config --global --add safe.directory` with its path',
    retryable: false,
  },
  {
    code: 'MUS1101',
    says: /Could not resolve host|Name or service not known|Connection (refused|timed out|reset|closed)|Failed to connect|Couldn't connect|unable to connect|No route to host|Network is unreachable|hung up|early EOF|error: 5\d\d|timeout/i,
    message: 'the git server cannot be reached',
    hint: 'try `git ls-remote` of this url from this machine; nothing is removed while a source cannot be read',
    retryable: true,
  },
];

function sourceErrorOf(error: unknown, url: string): SourceError {
  if (!(error instanceof Error)) throw error;
  const shown = displayUrl(url);
  if (error instanceof GitPluginError && (error.plugin === 'timeout' || error.plugin === 'abort')) {
    const message = `git gave no sign of life for ${silenceMs / 1000} s while reading ${shown}`;
    return new SourceError(
      fileProblem({ code: 'MUS1101', message, hint: 'is the git server overloaded, or a firewall in between?' }),
      { retryable: true },
    );
  }
  if (error.message.includes('ENOENT') && /spawn/.test(error.message)) {
    return new SourceError(
      fileProblem({ code: 'MUS1105', message: 'git is not installed', hint: 'install git 2.30 or newer' }),
      { retryable: false },
    );
  }
  if (!(error instanceof GitError)) throw error;
  const said = withoutCredentials(error.message, url);
  const trouble = troubles.find(({ says }) => says.test(said));
  if (trouble === undefined) {
    return new SourceError(fileProblem({ code: 'MUS1105', message: `git failed on ${shown}: ${gist(said)}` }), {
      retryable: true,
      cause: said,
    });
  }
  const { code, message, hint, retryable } = trouble;
  return new SourceError(
    { ...fileProblem({ code, message: `${message}: ${shown}`, hint }), found: gist(said) },
    { retryable, cause: said },
  );
}

/** The line that says what went wrong, of all that git printed. */
function gist(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const telling = lines.find((line) => /^(fatal|error|ssh): /.test(line)) ?? lines[0] ?? 'no message';
  return telling.replace(/^(fatal|error): /, '').slice(0, 300);
}

/** For messages: an http url without user and password, any other without the password. */
export function displayUrl(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)([^/@]*)@(.*)$/is.exec(url);
  if (match === null) return url;
  const [, scheme = '', user = '', rest = ''] = match;
  return scheme.startsWith('http') ? `${scheme}${rest}` : `${scheme}${user.replace(/:.*$/, '')}@${rest}`;
}

function withoutCredentials(text: string, url: string): string {
  return text.replaceAll(url, displayUrl(url)).replaceAll(/(https?:\/\/)[^/@\s']+@/gi, '$1');
}
