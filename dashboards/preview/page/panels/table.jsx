// Rows and columns.
import { TableNG } from "@grafana/ui/unstable";

export function Table({ panel, data, context, width, height }) {
  const { options } = panel;
  if (data.frames.length > 1) context.report(`${data.frames.length} tables, of which one is shown: join or merge them`);
  return (
    <TableNG
      data={data.frames[options.frameIndex ?? 0]}
      width={width}
      height={height}
      noHeader={options.showHeader === false}
      sortBy={options.sortBy}
      cellHeight={options.cellHeight ?? "sm"}
      frozenColumns={options.frozenColumns?.left}
      enablePagination={options.enablePagination}
      fieldConfig={data.fieldConfig}
      noValue={data.fieldConfig.defaults.noValue}
      timeRange={context.range}
      structureRev={1}
    />
  );
}
