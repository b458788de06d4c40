export { type Clock, monotonicClock } from './clock.js';
export { type OpenFeedback, openFeedback } from './feedback/open-feedback.js';
export { type Gateway, type GatewayDeps, type GatewaySettings, startGateway } from './gateway.js';
export { feedbackRoutes } from './http/feedback.js';
export { bundleFolder, ModelCatalogue, type ServedModel } from './models.js';
