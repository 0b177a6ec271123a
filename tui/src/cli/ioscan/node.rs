//! What `ioscan` lists: devices, and the paths to them.

use ipc::io::IoDevice;

/// One line of a listing.
pub(super) struct Node {
    pub(super) class: String,
    pub(super) instance: u32,
    pub(super) path: String,
    pub(super) driver: String,
    pub(super) is_present: bool,
    pub(super) hardware: &'static str,
    pub(super) description: String,
    pub(super) files: Vec<String>,
    /// Block and character major number; -1 for none.
    pub(super) majors: (i32, i32),
    /// Drivers above it, from the root.
    pub(super) module_path: String,
    /// Guest that uses it, or `VSP`; of a path as of its device.
    pub(super) in_use_by: Option<String>,
}

impl Node {
    /// The paths to a device, then the device.
    pub(super) fn of(device: &IoDevice) -> Vec<Node> {
        let lunpath = |(instance, path): &(u32, String)| Node {
            class: "lunpath".into(),
            instance: *instance,
            path: path.clone(),
            driver: "eslpt".into(),
            is_present: device.is_present,
            hardware: "LUN_PATH",
            description: format!("LUN path for {}{}", device.class, device.instance),
            files: Vec::new(),
            majors: (-1, -1),
            module_path: "root.eslpt".into(),
            in_use_by: device.in_use_by.clone(),
        };
        // Those of HP-UX 11i v3 (hpvm.md 10.1, 10.2).
        let majors = match device.class.as_str() {
            "disk" => (1, 11),
            "tape" => (-1, 205),
            _ => (-1, 231),
        };
        let own = Node {
            class: device.class.clone(),
            instance: device.instance,
            path: device.lun_path.clone(),
            driver: device.driver.clone(),
            is_present: device.is_present,
            hardware: "DEVICE",
            description: description(device),
            files: device.files.clone(),
            majors,
            module_path: format!("root.esvroot.{}", device.driver),
            in_use_by: device.in_use_by.clone(),
        };
        device.lunpaths.iter().map(lunpath).chain([own]).collect()
    }

    /// Software state.
    pub(super) fn state(&self) -> &'static str {
        if self.is_present { "CLAIMED" } else { "NO_HW" }
    }
}

/// Vendor, padded as INQUIRY has it, and product.
pub(super) fn description(device: &IoDevice) -> String {
    format!("{:<8}{}", device.vendor, device.product)
}

/// Health.
pub(super) fn health(is_present: bool) -> &'static str {
    if is_present { "online" } else { "offline" }
}
