interface Alias {
  readonly alias: string;
  readonly id: string;
}

/** Names that one source uses, each as [alias, id]. */
function from(_source: string, pairs: readonly (readonly [alias: string, id: string])[]): Alias[] {
  return pairs.map(([alias, id]) => ({ alias, id }));
}

/**
 * What else the robot types are called, by who calls them so. Only names that one record alone answers to: `franka`, `widowx`,
 * `xarm`, `jaco_2`, `kuka_iiwa` and `gen3` (six or seven joints) are refused with suggestions, and so are `aloha` and names of
 * whole robots of whose arms a record holds one. A name whose source counts joints from another zero is none either
 * (`trs_so_arm100`).
 */
export const ALIASES: readonly Alias[] = [
  ...from('Open X-Embodiment, the robot of a dataset', [
    ['fanuc_mate', 'fanuc_lrmate_200id'],
    ['google_robot', 'google_robot_rt1'],
    ['sawyer', 'rethink_sawyer'],
  ]),
  ...from('huggingface/lerobot src/lerobot/robots, robot.type', [
    ['koch_follower', 'koch_v1'],
    ['so100_follower', 'so100'],
    ['so101_follower', 'so101'],
  ]),
  ...from('google-deepmind/mujoco_menagerie, folders', [
    ['doosan_robotics_m1013', 'doosan_m1013'],
    ['franka_emika_panda', 'franka_panda'],
    ['kuka_iiwa_14', 'kuka_lbr_iiwa14'],
    ['low_cost_robot_arm', 'koch_v1'],
    ['rethink_robotics_sawyer', 'rethink_sawyer'],
    ['trossen_wx250s', 'trossen_widowx_250s'],
    ['universal_robots_ur10e', 'ur10e'],
    ['universal_robots_ur5e', 'ur5e'],
  ]),
  ...from('frankarobotics/franka_description robots/, and the prefix of the joints', [
    ['fer', 'franka_panda'],
    ['fr3', 'franka_fr3'],
    ['panda', 'franka_panda'],
  ]),
  ...from('ros-industrial/abb_experimental, URDFs', [
    ['crb15000_5_95', 'abb_gofa_crb15000_5'],
    ['irb1200_5_90', 'abb_irb1200_5_90'],
    ['irb1200_7_70', 'abb_irb1200_7_70'],
    ['irb1600_6_12', 'abb_irb1600_6_12'],
    ['irb1600_8_145', 'abb_irb1600_8_145'],
    ['irb6700_200_260', 'abb_irb6700_200_260'],
    ['irb6700_235_265', 'abb_irb6700_235_265'],
  ]),
  ...from('lbr-stack/lbr_fri_ros2_stack, models', [
    ['iiwa14', 'kuka_lbr_iiwa14'],
    ['iiwa7', 'kuka_lbr_iiwa7'],
    ['med14', 'kuka_lbr_med14'],
    ['med7', 'kuka_lbr_med7'],
  ]),
  ...from('ros-industrial/kuka_experimental, kroshu/kuka_robot_descriptions, URDFs', [
    ['kr6_r900_sixx', 'kuka_kr6_r900_sixx'],
    ['kr6r900_2', 'kuka_kr6_r900_2'],
    ['kr6r900sixx', 'kuka_kr6_r900_sixx'],
    ['lbr_iiwa14_r820', 'kuka_lbr_iiwa14'],
  ]),
  ...from('Kinovarobotics/ros2_kortex arms, Kinovarobotics/kinova-ros robot types', [
    ['gen3_lite', 'kinova_gen3_lite'],
    ['j2n6s300', 'kinova_jaco2_j2n6s300'],
    ['j2s7s300', 'kinova_jaco2_j2s7s300'],
  ]),
  ...from('xArm-Developer/xarm_ros2, models', [
    ['lite6', 'ufactory_lite6'],
    ['xarm5', 'ufactory_xarm5'],
    ['xarm6', 'ufactory_xarm6'],
    ['xarm7', 'ufactory_xarm7'],
  ]),
  ...from('Interbotix/interbotix_ros_manipulators robot_model, TrossenRobotics/trossen_arm_description', [
    ['aloha_vx300s', 'trossen_aloha_vx300s'],
    ['vx300', 'trossen_viperx_300'],
    ['vx300s', 'trossen_viperx_300s'],
    ['wx250', 'trossen_widowx_250'],
    ['wx250s', 'trossen_widowx_250s'],
    ['wxai', 'trossen_wxai'],
  ]),
  ...from('the description that a record is from: the name of its robot or file', [
    ['cr5', 'dobot_cr5'],
    ['crx10ia', 'fanuc_crx_10ia'],
    ['crx10ia_l', 'fanuc_crx_10ia_l'],
    ['gp7', 'yaskawa_gp7'],
    ['hc10', 'yaskawa_hc10'],
    ['lrmate200id', 'fanuc_lrmate_200id'],
    ['m1013', 'doosan_m1013'],
    ['rizon4', 'flexiv_rizon4'],
    ['so_arm100', 'so100'],
    ['tm5-700', 'techman_tm5_700'],
    ['tm5-900', 'techman_tm5_900'],
    ['vs060', 'denso_vs060'],
    ['z1', 'unitree_z1'],
  ]),
];

/** The aliases of one record, in alphabetical order. */
export function aliasesOf(id: string): string[] {
  return ALIASES.filter((entry) => entry.id === id)
    .map((entry) => entry.alias)
    .sort();
}
