export { gatewayAddress, openpiAddress } from './address.js';
export { helpText, markdownTable } from './help.js';
export { nearestName } from './nearest-name.js';
export { envOf, flagOf, type Option, type OptionTable, type Values } from './option.js';
export { announceReady, EXIT_FOLDER_HELD, onStopRequested, type StopCause } from './process-life.js';
export { type Environment, type OptionFault, type ReadOptions, readOptions, type Source } from './read-options.js';
export { parseRemoteUrls, type RemoteUrls } from './remote-urls.js';
export {
  demoKeyPath,
  ensureDataDir,
  type RunFile,
  readDemoKey,
  readRunFile,
  removeRunFile,
  runFilePath,
  writeDemoKey,
  writeRunFile,
} from './run-file.js';
export {
  contradictions,
  type LoadedSettings,
  loadSettings,
  misspeltVariables,
  requireSettings,
  SETTINGS,
  type Settings,
  SettingsError,
  settingsEnvironment,
} from './settings.js';
