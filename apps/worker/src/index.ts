// For the benchmark, which ships as the process does.
export { ShippingDatabase } from './shipper/database.js';
export { ReadAhead } from './shipper/read-ahead.js';
export { SHIP_AT_ONCE, Shipper } from './shipper/shipper.js';
