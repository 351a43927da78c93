/** Failures of stores, engines and runs → their entries in the catalogue (codes.ts). */

export const storeFailureCodes = {
  unreachable: 'MUS2001',
  unknownOutcome: 'MUS2002',
  noSpace: 'MUS2003',
  unauthenticated: 'MUS2004',
  locked: 'MUS2005',
  corrupt: 'MUS2006',
  tooLarge: 'MUS2007',
  closed: 'MUS2008',
  internal: 'MUS2009',
  restoring: 'MUS2010',
  badBackup: 'MUS2011',
  notEmpty: 'MUS2012',
  behind: 'MUS2013',
  notRebuilt: 'MUS2014',
} as const;

/** Why a run stopped or a unit was turned around → its entry in the catalogue. */
export const runFailureCodes = {
  gate: 'MUS6001',
  budget: 'MUS6002',
  leaseLost: 'MUS6003',
  store: 'MUS6004',
  engine: 'MUS6005',
  rejected: 'MUS6006',
  stuck: 'MUS6007',
} as const;

export const engineFailureCodes = {
  unreachable: 'MUS3001',
  timeout: 'MUS3002',
  notFound: 'MUS3003',
  foreignName: 'MUS3004',
  imageMissing: 'MUS3005',
  portTaken: 'MUS3006',
  unsupported: 'MUS3007',
  noSpace: 'MUS3008',
  rejected: 'MUS3009',
  internal: 'MUS3010',
  broken: 'MUS3013',
} as const;
