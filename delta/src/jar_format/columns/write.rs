//! From a plan to streams.

use super::super::container::{Container, DEFLATED, Descriptor, Header};
use super::super::plan::{Content, Plan, Planned};
use super::super::streams::{Stream, StreamWriter};
use super::super::tree::{NodeId, Tree};
use super::{Running, mask};

pub(crate) fn write_plan(
    plan: &Plan,
    old: Option<&Tree<'_>>,
    old_node: Option<NodeId>,
    out: &mut StreamWriter,
) {
    put_plan(plan, old, old_node, out, &mut Running::default());
}

fn put_plan(
    plan: &Plan,
    old: Option<&Tree<'_>>,
    old_node: Option<NodeId>,
    out: &mut StreamWriter,
    running: &mut Running,
) {
    put_frame(plan, out);
    let old_container = old.zip(old_node).map(|(old, node)| old.container(node));
    let mut before = Header::default();
    let mut expected = 0;
    for planned in &plan.entries {
        match planned.reference {
            None => out.number(Stream::References, 1),
            Some(reference) => {
                let distance = reference as i64 - expected;
                match distance {
                    0 => out.number(Stream::References, 0),
                    // 1 means "none", so the rest moves up by one.
                    _ => out.number(
                        Stream::References,
                        1 + super::super::streams::fold_sign(distance),
                    ),
                }
                expected = reference as i64 + 1;
            }
        }
        put_header(
            planned,
            &predicted(planned, old_container, &before),
            out,
            running,
        );
        put_content(planned, old, out, running);
        before.clone_from(&planned.header);
    }
}

/// What belongs to the container as a whole.
fn put_frame(plan: &Plan, out: &mut StreamWriter) {
    out.number(Stream::Verbatim, plan.entries.len() as u64);
    out.number(Stream::Verbatim, plan.shift as u64);
    out.blob(Stream::Verbatim, &plan.gap);
    let flags = u8::from(plan.order.is_some()) | u8::from(plan.end.is_some()) << 1;
    out.byte(Stream::Verbatim, flags);
    if let Some(order) = &plan.order {
        let mut expected = 0;
        for &index in order {
            out.signed(Stream::Verbatim, index as i64 - expected);
            expected = index as i64 + 1;
        }
    }
    if let Some(end) = &plan.end {
        out.blob(Stream::Verbatim, end);
    }
}

fn predicted(planned: &Planned, old: Option<&Container>, before: &Header) -> Header {
    match (planned.reference, old) {
        (Some(reference), Some(old)) => old.entries[reference].header.clone(),
        _ => before.clone(),
    }
}

fn put_header(
    planned: &Planned,
    predicted: &Header,
    out: &mut StreamWriter,
    running: &mut Running,
) {
    let header = &planned.header;
    let usual = Descriptor::usual(header.versions.flags);
    let bits = [
        (
            mask::NAME,
            planned.reference.is_none() || header.name != predicted.name,
        ),
        (mask::VERSIONS, header.versions != predicted.versions),
        (mask::TIME, header.time != predicted.time),
        (
            mask::CENTRAL_EXTRA,
            header.central_extra != predicted.central_extra,
        ),
        (
            mask::LOCAL_EXTRA,
            header.local_extra != predicted.local_extra,
        ),
        (mask::COMMENT, header.comment != predicted.comment),
        (mask::ATTRIBUTES, header.attributes != predicted.attributes),
        (mask::GAP, !planned.gap.is_empty()),
        (mask::LOCAL, planned.local.is_some()),
        (mask::CENTRAL, planned.central.is_some()),
        (mask::CRC32, planned.crc32_given),
        (mask::SIZE, planned.size_given),
        (mask::DESCRIPTOR, header.descriptor != usual),
    ];
    let bits = bits
        .into_iter()
        .filter(|(_, differs)| *differs)
        .fold(0, |all, (bit, _)| all | bit);
    out.number(Stream::Masks, bits);
    if bits & mask::NAME != 0 {
        out.blob(Stream::Names, &header.name);
    }
    if bits & mask::VERSIONS != 0 {
        let versions = header.versions;
        for value in [
            versions.made_by,
            versions.needed,
            versions.flags,
            versions.method,
        ] {
            out.bytes(Stream::Fields, &value.to_le_bytes());
        }
    }
    if bits & mask::TIME != 0 {
        // Most entries have the time of the one before.
        let same = header.time == running.time;
        out.byte(Stream::Times, u8::from(!same));
        if !same {
            out.bytes(Stream::Times, &header.time.to_le_bytes());
            running.time = header.time;
        }
    }
    for (bit, bytes) in [
        (mask::CENTRAL_EXTRA, &header.central_extra),
        (mask::LOCAL_EXTRA, &header.local_extra),
        (mask::COMMENT, &header.comment),
    ] {
        if bits & bit != 0 {
            out.blob(Stream::Fields, bytes);
        }
    }
    if bits & mask::ATTRIBUTES != 0 {
        let attributes = header.attributes;
        out.bytes(Stream::Fields, &attributes.disk.to_le_bytes());
        out.bytes(Stream::Fields, &attributes.internal.to_le_bytes());
        out.bytes(Stream::Fields, &attributes.external.to_le_bytes());
    }
    if bits & mask::GAP != 0 {
        out.blob(Stream::Verbatim, &planned.gap);
    }
    for bytes in [&planned.local, &planned.central].into_iter().flatten() {
        out.blob(Stream::Verbatim, bytes);
    }
    if planned.crc32_given {
        out.bytes(Stream::Fields, &header.crc32.to_le_bytes());
    }
    if planned.size_given {
        out.number(Stream::Fields, header.plain_bytes);
    }
    if bits & mask::DESCRIPTOR != 0 {
        out.byte(Stream::Fields, header.descriptor as u8);
    }
}

fn put_content(
    planned: &Planned,
    old: Option<&Tree<'_>>,
    out: &mut StreamWriter,
    running: &mut Running,
) {
    out.byte(Stream::Statuses, planned.content.status());
    let replay = match &planned.content {
        Content::Copied => return,
        Content::Same(replay) | Content::Changed(replay) | Content::Nested(replay, ..) => {
            replay.code()
        }
    };
    if planned.header.versions.method == DEFLATED {
        out.byte(Stream::Replays, replay ^ running.replay);
        running.replay = replay;
    }
    if let Content::Nested(_, plan, old_node) = &planned.content {
        put_plan(plan, old, *old_node, out, running);
    }
}
