export { floats, KserveFake, type KserveFakeOptions, type ReceivedInference } from './kserve-fake.js';
export { OpenpiFake, type OpenpiFakeOptions } from './openpi-fake.js';
export { kserveBundle, openpiBundle } from './remote-bundle.js';
