/** The largest YAML file that is read. */
export const maxFileBytes = 1024 * 1024;
/** The most YAML files that one source may have. */
export const maxFiles = 50_000;
/** The most symbolic links that are followed one after the other. */
export const maxLinkHops = 16;

/** Directories and files of other tools are not configuration: `.git`, `.muster`, `.github`, `.gitlab-ci.yml`, `node_modules`. */
export const isSkipped = (name: string): boolean => name.startsWith('.') || name === 'node_modules';

export const isYaml = (name: string): boolean => /\.ya?ml$/.test(name);
