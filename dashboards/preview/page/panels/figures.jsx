// Numbers: stat and bargauge.
import { VizOrientation, getDisplayValueAlignmentFactors, getFieldDisplayValues } from "@grafana/data";
import { BarGauge, BigValue, VizRepeater } from "@grafana/ui";

function Repeated({ panel, data, context, width, height, sparkline, autoGrid, children, ...sizes }) {
  const { options } = panel;
  const values = getFieldDisplayValues({
    fieldConfig: data.fieldConfig,
    reduceOptions: { calcs: ["lastNotNull"], ...options.reduceOptions },
    replaceVariables: (text, scopedVars, format) => context.variables.replace(text, scopedVars, format),
    theme: context.theme,
    data: data.frames,
    sparkline,
    percentChange: options.showPercentChange,
    timeZone: "utc",
  });
  return (
    <VizRepeater
      getValues={() => values}
      getAlignmentFactors={getDisplayValueAlignmentFactors}
      source={data}
      renderCounter={0}
      width={width}
      height={height}
      orientation={options.orientation ?? VizOrientation.Auto}
      autoGrid={autoGrid}
      renderValue={(repeated) => children({ options, theme: context.theme, ...repeated })}
      {...sizes}
    />
  );
}

export function Stat(properties) {
  const { options } = properties.panel;
  return (
    <Repeated {...properties} sparkline={(options.graphMode ?? "area") !== "none"} autoGrid itemSpacing={3}>
      {({ value, alignmentFactors, width, height, count, theme }) => (
        <BigValue
          value={value.display}
          count={count}
          sparkline={value.sparkline}
          colorMode={options.colorMode ?? "value"}
          graphMode={options.graphMode ?? "area"}
          justifyMode={options.justifyMode ?? "auto"}
          textMode={options.textMode ?? "auto"}
          percentChangeColorMode={options.percentChangeColorMode}
          disableWideLayout={options.wideLayout === false}
          alignmentFactors={alignmentFactors}
          text={options.text}
          width={width}
          height={height}
          theme={theme}
        />
      )}
    </Repeated>
  );
}

export function Bars(properties) {
  const { options } = properties.panel;
  const automatic = { minVizWidth: 8, minVizHeight: 16, maxVizHeight: 300 };
  const { minVizWidth, minVizHeight, maxVizHeight } = options.sizing === "manual" ? options : automatic;
  const itemSpacing = options.displayMode === "lcd" ? 2 : 10;
  return (
    <Repeated {...properties} {...{ itemSpacing, minVizWidth, minVizHeight, maxVizHeight }}>
      {({ value, alignmentFactors, width, height, orientation, count, theme }) => (
        <BarGauge
          value={value.display}
          field={value.field}
          display={value.view?.getFieldDisplayProcessor(value.colIndex)}
          orientation={orientation}
          displayMode={options.displayMode ?? "gradient"}
          valueDisplayMode={options.valueMode ?? "color"}
          namePlacement={options.namePlacement ?? "auto"}
          showUnfilled={options.showUnfilled ?? true}
          alignmentFactors={count > 1 ? alignmentFactors : undefined}
          text={options.text}
          itemSpacing={itemSpacing}
          width={width}
          height={height}
          theme={theme}
        />
      )}
    </Repeated>
  );
}
