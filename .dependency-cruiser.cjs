/**
 * Import rules (docs/architecture.md). Direction:
 * cli → {serve, render} → reconcile → {drift, store, engines/engine.ts, source} → plan → model
 */
const vendor = (name, folder) => ({
  name: `${name}-only-in-${folder.replaceAll('/', '-')}`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/${folder}` },
  to: { path: `node_modules/${name}/` },
});

const layer = (from, allowed) => ({
  name: `${from.replaceAll('/', '-')}-imports`,
  severity: 'error',
  from: { path: `^src/${from}/` },
  to: { path: '^src/', pathNot: [`^src/${from}/`, ...allowed.map((path) => `^src/${path}`)] },
});

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-test', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|bench|scripts)/' } },
    {
      name: 'core-is-pure',
      comment: 'Nothing under src/plan or src/model imports an npm package or node:*',
      severity: 'error',
      from: { path: '^src/(plan|model)/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'core', 'npm-no-pkg', 'npm-unknown'] },
    },
    layer('model', []),
    layer('plan', ['model/']),
    layer('source', ['model/']),
    layer('store', ['model/']),
    layer('engines', ['model/']),
    layer('drift', ['plan/', 'model/', 'engines/engine\\.ts']),
    layer('reconcile', [
      'drift/',
      'store/(store|keys|recorded|leader|run-format)\\.ts',
      'engines/engine\\.ts',
      'source/',
      'plan/',
      'model/',
    ]),
    layer('render', ['plan/', 'model/', 'drift/', 'reconcile/', 'source/']),
    layer('serve', ['reconcile/', 'plan/', 'model/', 'store/(store|keys|recorded|leader)\\.ts', 'render/']),
    {
      name: 'engines-never-import-each-other',
      severity: 'error',
      from: { path: '^src/engines/(docker|process|sim|systemd|libvirt)/' },
      to: { path: '^src/engines/(docker|process|sim|systemd|libvirt)/', pathNot: '^src/engines/$1/' },
    },
    vendor('dockerode', 'engines/docker'),
    vendor('ssh2', 'engines/ssh'),
    vendor('etcd3', 'store/etcd'),
    vendor('cockatiel', 'store/etcd'),
    vendor('lmdb', 'store/embedded'),
    vendor('simple-git', 'source/git'),
    vendor('chokidar', 'source'),
    vendor('yaml', 'source'),
    vendor('ajv', 'source'),
    vendor('diff', 'render'),
    vendor('picocolors', 'render'),
    vendor('commander', 'cli'),
    vendor('pino', 'cli'),
    vendor('prom-client', 'serve'),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
