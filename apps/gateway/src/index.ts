export { type Clock, monotonicClock } from './clock.js';
export { type Gateway, type GatewayDeps, type GatewaySettings, startGateway } from './gateway.js';
export { bundleFolder, ModelCatalogue, type ServedModel } from './models.js';
