//! A reader of SIMH's magnetic tape images by their description ("SIMH Magtape Representation and Handling", 2006 to 2024),
//! which shares nothing with the program that writes them.

/// What stands on a tape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Object {
    /// A data record.
    Record(Vec<u8>),
    /// A tape mark.
    Mark,
}

const MARK: u32 = 0;
const GAP: u32 = 0xffff_fffe;
const END_OF_MEDIUM: u32 = 0xffff_ffff;
/// Class of a record in bits 31 to 28 of its length: good data. Lengths are the bits below.
const GOOD_DATA: u32 = 0;
const LENGTH: u32 = 0x0fff_ffff;

/// Everything on a tape, in its order; the end of the file is the end of the medium, too.
///
/// # Panics
/// If the image is not as the description has it: an unknown class, a record that is cut off, or one whose length behind it is
/// another than before it.
pub fn read(image: &[u8]) -> Vec<Object> {
    let word = |at: usize| {
        let bytes = image.get(at..at + 4).unwrap_or_else(|| panic!("cut off at byte {at}"));
        u32::from_le_bytes(bytes.try_into().expect("four bytes"))
    };
    let (mut objects, mut at) = (Vec::new(), 0);
    while at < image.len() {
        let marker = word(at);
        at += 4;
        match marker {
            MARK => objects.push(Object::Mark),
            GAP => {}
            END_OF_MEDIUM => break,
            _ => {
                assert_eq!(marker >> 28, GOOD_DATA, "class of the record before byte {at}");
                let len = (marker & LENGTH) as usize;
                let data = image.get(at..at + len).unwrap_or_else(|| panic!("record cut off at byte {at}"));
                objects.push(Object::Record(data.to_vec()));
                // Records of an odd length are followed by a byte that means nothing.
                at += len + len % 2;
                assert_eq!(word(at), marker, "length behind the record that ends at byte {at}");
                at += 4;
            }
        }
    }
    objects
}

/// The files on a tape, each as the bytes of its records one after the other.
pub fn files(image: &[u8]) -> Vec<Vec<u8>> {
    let objects = read(image);
    let files = objects.split(|object| *object == Object::Mark).map(|file| {
        let bytes = |object: &Object| match object {
            Object::Record(data) => data.clone(),
            Object::Mark => Vec::new(),
        };
        file.iter().flat_map(bytes).collect()
    });
    let mut files: Vec<Vec<u8>> = files.collect();
    // What comes after the last mark is no file if it is nothing.
    files.pop_if(|file| file.is_empty());
    files
}

#[test]
fn an_image_by_the_book_is_read() {
    let image =
        [&[3, 0, 0, 0][..], b"abc\0", &[3, 0, 0, 0], &[0; 4], &GAP.to_le_bytes(), &[0; 4], &[0xff; 4], b"x"];
    let image = image.concat();
    assert_eq!(read(&image), [Object::Record(b"abc".to_vec()), Object::Mark, Object::Mark]);
    assert_eq!(files(&image), [b"abc".to_vec(), Vec::new()]);
}
