//! Reads and writes frames over any stream.

use std::io;

use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use crate::chunk::{CHUNK_BYTES, read_onto};
use crate::codec::frame::{Header, MAX_HEADER_BYTES, Malformed};

/// Why there is no next frame.
#[derive(Debug)]
pub enum FrameError {
    /// The connection broke, or ended in the middle of a frame, or was cut by somebody else than the other end.
    Lost(io::Error),
    /// What came is no frame; where the next one begins cannot be known.
    Malformed,
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl From<Malformed> for FrameError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// The incoming half. Each of its waits can be given up and begun again without losing a byte.
#[derive(Debug)]
pub struct FrameReader<R> {
    stream: R,
    buffer: Vec<u8>,
    /// Where in the buffer begins what was not taken: to move the rest for each of many short frames costs more than they do.
    start: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads from here on.
    pub fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new(), start: 0 }
    }

    /// Waits for the first bytes of a frame; false at an end in order.
    pub async fn begins(&mut self) -> Result<bool, FrameError> {
        Ok(!self.held().is_empty() || self.fill().await? > 0)
    }

    /// The next header; `None` at an end in order.
    pub async fn header(&mut self) -> Result<Option<Header>, FrameError> {
        let mut searched = 0;
        loop {
            let held = self.held();
            if let Some(at) = memchr(b'\n', &held[searched..]) {
                let end = searched + at;
                if end >= MAX_HEADER_BYTES {
                    return Err(FrameError::Malformed);
                }
                let header = Header::decode(&held[..end])?;
                self.start += end + 1;
                return Ok(Some(header));
            }
            if held.len() >= MAX_HEADER_BYTES {
                return Err(FrameError::Malformed);
            }
            searched = held.len();
            match self.fill().await? {
                0 if searched == 0 => return Ok(None),
                0 => return Err(cut()),
                _ => {}
            }
        }
    }

    /// Reads past exactly these bytes, if they are the next ones that have come.
    pub fn take_same(&mut self, bytes: &[u8]) -> bool {
        let is_same = self.held().starts_with(bytes);
        self.start += if is_same { bytes.len() } else { 0 };
        is_same
    }

    /// The bytes that belong to a header, of which the caller knows that they are not too many: as many as have come by
    /// now. There are `size` of them once it gives true. Nothing is reserved for what is only announced.
    pub async fn body(&mut self, size: usize) -> Result<bool, FrameError> {
        if self.held_bytes() < size && self.fill().await? == 0 {
            return Err(cut());
        }
        Ok(self.held_bytes() >= size)
    }

    /// How much has come and was not taken.
    pub fn held_bytes(&self) -> usize {
        self.held().len()
    }

    /// Takes a body that is there. It takes about as much memory as it has bytes: many may wait, and only these are counted.
    pub fn take_body(&mut self, size: usize) -> Vec<u8> {
        let size = size.min(self.held_bytes());
        if size < CHUNK_BYTES {
            let body = self.held()[..size].to_vec();
            self.start += size;
            return body;
        }
        self.close_up();
        let rest = self.buffer.split_off(size);
        let mut body = std::mem::replace(&mut self.buffer, rest);
        body.shrink_to_fit();
        body
    }

    /// Reads past the bytes that belong to a header.
    pub async fn skip(&mut self, size: u64) -> Result<(), FrameError> {
        let mut left = size;
        loop {
            let here = left.min(self.held_bytes() as u64);
            self.start += usize::try_from(here).unwrap_or(usize::MAX);
            left -= here;
            if left == 0 {
                return Ok(());
            }
            if self.fill().await? == 0 {
                return Err(cut());
            }
        }
    }

    fn held(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Has the buffer begin with what was not taken.
    fn close_up(&mut self) {
        self.buffer.drain(..self.start);
        self.start = 0;
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.close_up();
        if self.buffer.is_empty() {
            // a session that rests keeps nothing
            self.buffer = Vec::new();
        }
        read_onto(&mut self.stream, &mut self.buffer).await
    }
}

fn cut() -> FrameError {
    FrameError::Lost(io::ErrorKind::UnexpectedEof.into())
}

/// Writes several frames at once.
pub async fn write(stream: &mut (impl AsyncWrite + Unpin), frames: &[u8]) -> io::Result<()> {
    stream.write_all(frames).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> (Vec<String>, Option<FrameError>) {
        // through a pipe of 8 bytes every boundary is met
        let (mut writer, stream) = tokio::io::duplex(8);
        let bytes = bytes.to_vec();
        let write = tokio::spawn(async move { writer.write_all(&bytes).await });
        let mut frames = FrameReader::new(stream);
        let mut seen = Vec::new();
        let end = loop {
            let header = match frames.header().await {
                Ok(Some(header)) => header,
                Ok(None) => break None,
                Err(error) => break Some(error),
            };
            let size = header.size() as usize;
            let whole = loop {
                match frames.body(size).await {
                    Ok(true) => break Ok(()),
                    Ok(false) => {}
                    Err(error) => break Err(error),
                }
            };
            if let Err(error) = whole {
                break Some(error);
            }
            seen.push(String::from_utf8(frames.take_body(size)).unwrap());
        };
        drop(frames);
        let _ = write.await;
        (seen, end)
    }

    #[tokio::test]
    async fn frames_come_as_they_went_wherever_the_stream_is_cut() {
        let one = b"{\"type\":\"message\",\"id\":\"1\",\"size\":5}\nhe\nlo";
        let two = b"{\"type\":\"message\",\"id\":\"2\",\"size\":0}\n";
        let bytes = [&one[..], two, one].concat();
        let (seen, end) = read(&bytes).await;
        assert_eq!(
            (seen, end.is_none()),
            (vec!["he\nlo".to_owned(), String::new(), "he\nlo".into()], true)
        );
        for cut in 0..bytes.len() {
            let (seen, end) = read(&bytes[..cut]).await;
            let whole = [0, one.len(), one.len() + two.len()].contains(&cut);
            assert_eq!(end.is_none(), whole, "cut at {cut}");
            assert!(seen.len() < 3);
        }
    }

    #[tokio::test]
    async fn a_body_takes_as_much_memory_as_it_has_bytes() {
        for size in [0, 5, CHUNK_BYTES - 1, CHUNK_BYTES, 5 * CHUNK_BYTES] {
            let bytes = vec![b'x'; size + 1000];
            let mut frames = FrameReader::new(&bytes[..]);
            while !frames.body(size).await.unwrap() {}
            let held_bytes = frames.held_bytes();
            let body = frames.take_body(size);
            assert_eq!((body.len(), frames.held_bytes()), (size, held_bytes - size));
            assert!(body.capacity() <= size + size / 4, "{} for {size}", body.capacity());
        }
    }

    #[tokio::test]
    async fn a_header_over_the_limit_is_malformed_before_it_has_ended() {
        let header = |length: usize| {
            let start = "{\"type\":\"ping\",\"id\":\"1\",\"x\":\"";
            format!("{start}{}\"}}\n", "x".repeat(length - start.len() - 3))
        };
        assert!(read(header(MAX_HEADER_BYTES).as_bytes()).await.1.is_none());
        let (_, end) = read(header(MAX_HEADER_BYTES + 1).as_bytes()).await;
        assert!(matches!(end, Some(FrameError::Malformed)));
        let (_, end) = read(&vec![b'x'; 100_000]).await;
        assert!(matches!(end, Some(FrameError::Malformed)));
    }

    #[tokio::test]
    async fn only_the_same_bytes_are_read_past_and_what_has_not_come_is_not() {
        let mut frames = FrameReader::new(&b"{\"type\":\"ok\",\"id\":\"1\"}\n{\"type\":\"ok\""[..]);
        let line = b"{\"type\":\"ok\",\"id\":\"1\"}\n";
        assert!(!frames.take_same(line), "nothing has come yet");
        assert!(frames.begins().await.unwrap());
        let held_bytes = frames.held_bytes();
        assert!(!frames.take_same(b"{\"type\":\"ok\",\"id\":\"2\"}\n"));
        assert_eq!(frames.held_bytes(), held_bytes);
        assert!(frames.take_same(line));
        assert!(!frames.take_same(line), "of the next one only the beginning is there");
        assert_eq!(frames.held_bytes(), held_bytes - line.len());
        assert!(matches!(frames.header().await, Err(FrameError::Lost(_))));
    }

    #[tokio::test]
    async fn what_is_skipped_leaves_the_next_frame_as_it_is() {
        let (mut writer, stream) = tokio::io::duplex(8);
        let bytes = [&[b'x'; 1000][..], b"{\"type\":\"ping\",\"id\":\"1\"}\n"].concat();
        tokio::spawn(async move { writer.write_all(&bytes).await });
        let mut frames = FrameReader::new(stream);
        frames.skip(1000).await.unwrap();
        let header = frames.header().await.unwrap();
        assert_eq!(header, Some(Header::Ping { id: "1".parse().unwrap() }));
    }
}
